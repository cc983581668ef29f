/** Reads what came once: files as sources sent them, and events as the service recorded them, in the order of time. */
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import * as z from 'zod';
import { FleetReflexError, messageOf } from '../../../lib/errors.ts';
import { TriggerEvent } from '../../../lib/model/trigger-event.ts';
import type { RuleSet } from '../../../lib/rules/rule.ts';
import type { Delivery } from '../../../lib/simulation/happening.ts';
import { readEvents } from '../rules/read-events.ts';

/** One delivered request. */
export interface Request extends Omit<Delivery, 'takesMs'> {
  /** Where it stands, for people. */
  from: string;
  at: Date;
}

export interface History {
  /** In the order of time. */
  requests: Request[];
  files: number;
  /** Files and lines that are no event. */
  problems: string[];
  /** Records without an event: older than the keeping of events, or of events that are not kept. */
  withoutEvent: number;
}

/** A line of `fleet-reflex events --json`. */
const Recorded = z.looseObject({
  action: z.literal('event'),
  source: z.string(),
  receivedAt: z.iso.datetime(),
  /** One that another version kept in another form is left out like one that was not kept. */
  event: TriggerEvent.optional().catch(undefined),
});

/** @param paths files and folders; `.jsonl` has an event on each line. @throws FleetReflexError `event.missing` */
export async function readHistory(
  paths: readonly string[],
  source: string | undefined,
  { sources }: Pick<RuleSet, 'sources'>,
  now: Date,
): Promise<History> {
  const files = (await Promise.all(paths.map(filesIn))).flat();
  const history: History = { requests: [], files: files.length, problems: [], withoutEvent: 0 };
  for (const file of files) {
    if (file.endsWith('.jsonl') || (await hasRecords(file))) await addLines(file, history);
    else await addFile(file, source, sources, now, history);
  }
  history.requests.sort((a, b) => a.at.getTime() - b.at.getTime());
  return history;
}

async function filesIn(path: string): Promise<string[]> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new FleetReflexError('event.missing', `There is no file or folder ${path}.`, {
      details: { path },
      cause,
    });
  });
  if (!found.isDirectory()) return [path];
  const names = (await readdir(path)).filter((name) => /\.jsonl?$/.test(name));
  return names.toSorted().map((name) => join(path, name));
}

/** A file is one request, at the time of its latest event. */
async function addFile(
  file: string,
  source: string | undefined,
  settings: RuleSet['sources'],
  now: Date,
  { requests, problems }: History,
): Promise<void> {
  try {
    const read = await readEvents(file, source, settings, now);
    if (read.kind !== 'events' || read.events.length === 0) return;
    const at = new Date(Math.max(...read.events.map(({ time }) => Date.parse(time))));
    requests.push({ ...read, from: file, at });
  } catch (thrown) {
    if (!(thrown instanceof FleetReflexError)) throw thrown;
    problems.push(`${file}: ${messageOf(thrown)}`);
  }
}

/** Whether it is what `fleet-reflex events --json` wrote, whatever its name. */
async function hasRecords(file: string): Promise<boolean> {
  const lines = createInterface({ input: createReadStream(file) });
  for await (const line of lines) return Recorded.safeParse(parse(line)).success;
  return false;
}

/** Records that a source sent together have one time: they are one request again, with its limit. */
async function addLines(file: string, history: History): Promise<void> {
  const open = new Map<string, TriggerEvent[]>();
  let line = 0;
  for await (const text of createInterface({
    input: createReadStream(file),
    crlfDelay: Number.POSITIVE_INFINITY,
  })) {
    line += 1;
    if (text.trim() === '') continue;
    const value = parse(text);
    const record = Recorded.safeParse(value);
    const event = record.success ? record.data.event : TriggerEvent.safeParse(value).data;
    if (record.success && event === undefined) {
      history.withoutEvent += 1;
      continue;
    }
    if (event === undefined) {
      history.problems.push(
        `${file}:${line}: expected an event of \`fleet-reflex events\`, or a trigger event`,
      );
      continue;
    }
    const at = record.success ? record.data.receivedAt : event.time;
    const key = record.success ? `${at} ${record.data.source}` : String(line);
    const together = open.get(key);
    if (together !== undefined) {
      together.push(event);
      continue;
    }
    const events = [event];
    open.set(key, events);
    history.requests.push({ events, from: `${file}:${line}`, at: new Date(at) });
  }
}

function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}
