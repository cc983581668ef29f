/**
 * Random, mutated and true requests of every source through the wrapped webhook handler: how they are answered, what
 * is left in memory, and how fast, beside a bare handler (JSON.parse and one zod schema, no signature, no source, no
 * rule) that gets the same requests in the same run. Exits 1 on a 5xx, on a crash, or on an answer that is malformed.
 * Run: node bench/fuzz-door.ts [requests] [seed]
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import * as z from 'zod';
import { jsonAnswer } from '../lib/http/problem.ts';
import { HttpEvent } from '../lib/http/request.ts';
import { silent } from '../lib/logging.ts';
import { aDoorRequest, type DoorRequest, faultIn } from '../test/fixtures/door-requests.ts';
import { aLambdaContext } from '../test/fixtures/http-events.ts';
import { aDoor } from '../test/fixtures/webhook-door.ts';

const requests = Number(process.argv[2] ?? 100_000);
const seed = Number(process.argv[3] ?? 20_261_120);
const TENTHS = 10;
/** So many are made at a time, so that what is measured is the door's memory and not the requests'. */
const CHUNK = 500;

let runs = 0;
const door = aDoor({
  log: { ...silent, correlate: () => undefined },
  runsQueue: {
    async send(sent) {
      runs += sent.length;
    },
  },
  recordsQueue: { send: async () => undefined },
  wakeUps: { tell: async () => undefined },
});
const context = aLambdaContext();

const Bare = z.looseObject({});
async function bareHandler(event: unknown) {
  const { body, isBase64Encoded } = HttpEvent.parse(event);
  const text = Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'utf8').toString('utf8');
  try {
    const read = Bare.safeParse(JSON.parse(text));
    return jsonAnswer(read.success ? 202 : 400, {});
  } catch {
    return jsonAnswer(400, {});
  }
}

setFlagsFromString('--expose-gc');
const collectGarbage = z.custom<() => void>((it) => typeof it === 'function').parse(runInNewContext('gc'));

const Answered = z.looseObject({ statusCode: z.int() });
const byStatus: Record<string, number> = {};
const byMaking: Record<string, number> = {};
const faults: string[] = [];
const heapMb: number[] = [];
let ourMs = 0;
let bareMs = 0;

for (let tenth = 0; tenth < TENTHS; tenth += 1) {
  const until = Math.round(((tenth + 1) * requests) / TENTHS) - Math.round((tenth * requests) / TENTHS);
  for (let done = 0; done < until; done += CHUNK) {
    const chunkSeed = seed + tenth * 1_000_000 + done;
    await runChunk(
      fc.sample(aDoorRequest, { numRuns: Math.min(CHUNK, until - done), seed: chunkSeed }),
      chunkSeed,
    );
  }
  collectGarbage();
  heapMb.push(round(process.memoryUsage().heapUsed / 1024 ** 2));
}

report('answers', {
  requests,
  seed,
  byStatus,
  fivexx: sumOf(byStatus, (status) => status.startsWith('5')),
  faults: faults.length,
  runs,
  byMaking,
});
report('heap MB after each tenth', { better: 'flat', ours: heapMb });
const [ours, bare] = [requests / (ourMs / 1000), requests / (bareMs / 1000)];
report('requests a second', {
  better: 'higher',
  ours: Math.round(ours),
  'bare JSON.parse and zod': Math.round(bare),
  ratio: Number((ours / bare).toPrecision(3)),
});
for (const fault of faults.slice(0, 10)) console.error(fault);
if (faults.length > 0) process.exitCode = 1;

/** All of them through one, then all through the other: each handler has the processor to itself. */
async function runChunk(chunk: readonly DoorRequest[], chunkSeed: number): Promise<void> {
  const answers: unknown[] = [];
  const start = performance.now();
  for (const { event } of chunk) answers.push(await answerOf(event));
  const middle = performance.now();
  for (const { event } of chunk) await bareHandler(event);
  bareMs += performance.now() - middle;
  ourMs += middle - start;
  for (const [index, answer] of answers.entries()) {
    const made = chunk[index]?.made ?? '';
    const status = String(Answered.safeParse(answer).data?.statusCode ?? 'crash');
    byStatus[status] = (byStatus[status] ?? 0) + 1;
    byMaking[made] = (byMaking[made] ?? 0) + 1;
    const fault = answer instanceof Error ? `a crash: ${answer.stack}` : faultIn(answer);
    if (fault === undefined) continue;
    const event = JSON.stringify(chunk[index]?.event).slice(0, 2000);
    faults.push(`${fault}\n  ${made}, number ${index} of seed ${chunkSeed}: ${event}`);
  }
}

async function answerOf(event: DoorRequest['event']): Promise<unknown> {
  try {
    return await door.handler(event, context);
  } catch (thrown) {
    return thrown instanceof Error ? thrown : new Error(String(thrown));
  }
}

function report(figure: string, facts: Readonly<Record<string, unknown>>): void {
  console.log(JSON.stringify({ bench: 'fuzz-door', figure, ...facts }));
}

function sumOf(counts: Readonly<Record<string, number>>, counted: (name: string) => boolean): number {
  return Object.entries(counts).reduce((sum, [name, count]) => sum + (counted(name) ? count : 0), 0);
}

function round(value: number): number {
  return Number(value.toFixed(1));
}
