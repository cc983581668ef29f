/**
 * Plays a scenario: brings messages to functions as Lambda's event source mapping does, calls the poller each minute, does
 * what senders and people do, and moves the clock when everybody waits for it. A process that dies leaves its messages
 * to their visibility time-out, as at AWS; the next one is taken from the pool.
 */

import { setTimeout as wait } from 'node:timers/promises';
import { type Message, SendMessageCommand } from '@aws-sdk/client-sqs';
import * as z from 'zod';
import { CompletionEvent } from '../../../lib/model/completion-event.ts';
import type { Run } from '../../../lib/model/run.ts';
import { RunId } from '../../../lib/model/run-request.ts';
import { dynamoRunStore } from '../../../lib/store/dynamodb-run-store.ts';
import { toRecord } from '../../../local/stack/sqs-record.ts';
import type { Functions, FunctionsPool, Outcome } from './functions.ts';
import { type Death, FunctionName } from './messages.ts';
import { deleteAll, nextAtMs, receive, survey } from './queues.ts';
import type { Scenario, Seen } from './scenario.ts';
import { ahead, setAhead } from './shifted-clock.ts';
import { DEPLOYMENT, type World } from './world.ts';

const MINUTE_MS = 60_000;
/** Each function's time, serverless.yml's. */
const BUDGET_MS = 55_000;
/** A command that runs longer is one that is meant to. */
const COMMAND_MS = 60;
/** By the clock of the case: more than the longest lease, visibility time-out and deadline together. */
const STUCK_MS = 4 * 60 * MINUTE_MS;
/** By this machine's: a case takes about a second, and much longer beside twenty others. */
const STUCK_REAL_MS = 300_000;

const BatchAnswer = z.looseObject({
  batchItemFailures: z.array(z.looseObject({ itemIdentifier: z.string() })),
});
const HttpAnswer = z.looseObject({ statusCode: z.int() });

export interface Played {
  seen: Seen;
  /** How often each place was passed by the process that ends the case. */
  passed: Readonly<Record<string, number>>;
  hasDied: boolean;
  /** Ended by itself, or failed in a way that no process should. */
  complaints: string[];
  /** The last that the functions wrote. */
  lastLines: readonly string[];
}

export async function play(
  scenario: Scenario,
  world: World,
  pool: FunctionsPool,
  death: Death | undefined,
): Promise<Played> {
  const { queues, queueUrl, documents, table, environment } = world;
  const store = dynamoRunStore({ client: documents, table });
  const beganMs = Date.now();
  const beganRealMs = performance.now();
  const events: CompletionEvent[] = [];
  const complaints: string[] = [];
  const busy = new Map<string, number>();
  const working = new Set<Promise<void>>();
  const deeds = scenario.deeds().map((deed) => ({ deed, isDone: false, isAtWork: false }));
  let hasDied = false;
  let nextMinuteMs = Date.now() + MINUTE_MS;
  let functions: Functions = await pool.take();
  await functions.begin(environment, death);

  const replace = async (): Promise<void> => {
    if (functions.isAlive) return;
    if (death === undefined || hasDied)
      complaints.push(`a process ended: ${functions.lastLines.slice(-5).join('\n')}`);
    hasDied = true;
    await Promise.all(working);
    functions = await pool.take();
    await functions.begin(environment, undefined);
  };

  /** Calls a function beside all else. */
  const start = (name: FunctionName, event: unknown, then: (outcome: Outcome) => Promise<void>): void => {
    busy.set(name, (busy.get(name) ?? 0) + 1);
    const work = functions
      .invoke(name, event, BUDGET_MS)
      .then(then)
      .catch((thrown: unknown) => {
        complaints.push(String(thrown));
      })
      .finally(() => {
        busy.set(name, (busy.get(name) ?? 1) - 1);
        working.delete(work);
      });
    working.add(work);
  };

  /** When the hidden messages of a queue can be taken, as far as that was looked at. */
  const due = new Map<string, number>();
  const deliver = async (): Promise<boolean> => {
    let isAny = false;
    const counts = await survey(world);
    for (const {
      functionName,
      queue,
      batchSize,
      maximumConcurrency,
      reportsFailures,
    } of DEPLOYMENT.mappings) {
      const name = FunctionName.parse(functionName);
      if ((busy.get(name) ?? 0) >= Math.min(2, maximumConcurrency)) continue;
      const url = queues.urls.get(queue) ?? '';
      const queueName = url.split('/').at(-1) ?? '';
      const isReady =
        (counts.get(queueName)?.ready ?? 0) > 0 || (due.get(queueName) ?? Infinity) <= Date.now();
      if (!isReady) continue;
      due.delete(queueName);
      const messages = await receive(queues.client, url, Math.min(batchSize, 10));
      if (messages.length === 0) continue;
      isAny = true;
      const Records = messages.map((message) => toRecord(message, queueName));
      start(name, { Records }, async (outcome) => {
        await deleteAll(queues.client, url, doneOf(outcome, messages, reportsFailures));
      });
    }
    return isAny;
  };

  const act = (seen: Seen): boolean => {
    let isAny = false;
    for (const one of deeds) {
      if (one.isDone) continue;
      const { when, unless, call, message } = one.deed;
      if (!one.isAtWork && unless?.(seen) === true) {
        one.isDone = true;
        continue;
      }
      if (one.isAtWork || when?.(seen) === false) break;
      isAny = true;
      one.isAtWork = true;
      if (call !== undefined) {
        const { name, event } = call(seen);
        start(name, event, async (outcome) => {
          one.isAtWork = false;
          // Who got no answer, or a 5xx, sends it again.
          one.isDone = outcome.kind === 'answered' && HttpAnswer.parse(outcome.answer).statusCode < 500;
        });
      } else if (message !== undefined) {
        const { body, source } = message(seen);
        one.isDone = true;
        const work = queues.client
          .send(
            new SendMessageCommand({
              QueueUrl: queueUrl('events'),
              MessageBody: body,
              MessageAttributes: { source: { DataType: 'String', StringValue: source } },
            }),
          )
          .then(() => {
            working.delete(work);
          });
        working.add(work);
      }
      // One after the other.
      break;
    }
    return isAny;
  };

  const consume = async (): Promise<void> => {
    for (;;) {
      const messages = await receive(queues.client, queueUrl('completions'), 10);
      if (messages.length === 0) return;
      for (const { Body = '' } of messages) events.push(CompletionEvent.parse(JSON.parse(Body)));
      await deleteAll(queues.client, queueUrl('completions'), messages);
    }
  };

  const look = async (): Promise<Seen> => {
    await consume();
    const ids = (await world.items()).flatMap(({ pk, sk }) =>
      sk === 'RUN' && typeof pk === 'string' ? [RunId.parse(pk.slice('RUN#'.length))] : [],
    );
    const found = await Promise.all(ids.map((id) => store.get(id)));
    const runs = found.filter((run): run is Run => run !== undefined);
    return { runs, events, written: world.written(), elapsedMs: Date.now() - beganMs };
  };

  const watched = DEPLOYMENT.mappings.map(({ queue }) => DEPLOYMENT.queues.get(queue)?.QueueName ?? '');
  let seen = await look();
  for (;;) {
    const elapsedMs = Date.now() - beganMs;
    if (elapsedMs > STUCK_MS || performance.now() - beganRealMs > STUCK_REAL_MS) {
      seen = await look();
      const minutes = Math.round(elapsedMs / MINUTE_MS);
      complaints.push(
        `stuck after ${minutes} minutes of its clock: ${JSON.stringify(seen.runs.map(shortly))}`,
      );
      break;
    }
    await replace();
    if (act(seen) || (await deliver())) continue;
    await functions.idle();
    if (!functions.isAlive) continue;
    // What was said meanwhile is dealt with first.
    await new Promise(setImmediate);
    const counts = await survey(world);
    if (watched.some((name) => (counts.get(name)?.ready ?? 0) > 0 && mayTake(name, busy))) continue;
    const isDone = deeds.every((one) => one.isDone);
    const isEmpty = watched.every((name) => {
      const { ready = 0, hidden = 0 } = counts.get(name) ?? {};
      return ready + hidden === 0;
    });
    const mayBeOver = isDone && isEmpty && working.size === 0 && world.engine.runningCount === 0;
    if (!isDone || mayBeOver) {
      seen = await look();
      const next = deeds.find((one) => !one.isDone);
      if (next !== undefined && !next.isAtWork && next.deed.when?.(seen) !== false) continue;
      if (mayBeOver && (scenario.isOver?.(seen) ?? seen.runs.every(isAtRest))) break;
    }
    if (world.engine.runningCount > 0 && (await endsSoon(world))) continue;
    for (const name of watched) {
      // Where all of its function's places are taken, nobody waits for a message.
      if ((counts.get(name)?.hidden ?? 0) > 0 && mayTake(name, busy)) {
        due.set(name, await nextAtMs(world, name));
      } else due.delete(name);
    }
    const soonest = [...functions.sleeps.values(), ...due.values(), nextMinuteMs].reduce((a, b) =>
      Math.min(a, b),
    );
    setAhead(ahead() + Math.max(1, soonest - Date.now() + 1));
    functions.tellClock();
    if (Date.now() >= nextMinuteMs) {
      nextMinuteMs += MINUTE_MS;
      // serverless.yml gives it three places; without one, Lambda leaves the minute out.
      if ((busy.get('poller') ?? 0) < 3) start('poller', { source: 'aws.events' }, async () => {});
    }
  }
  const passed = functions.isAlive ? await functions.passed() : {};
  seen = await look();
  if (working.size === 0) pool.giveBack(functions);
  else functions.stop();
  return { seen, passed, hasDied, complaints, lastLines: functions.lastLines };
}

/** Which messages are deleted: none where the call failed, as with Lambda. */
function doneOf(outcome: Outcome, messages: readonly Message[], reportsFailures: boolean): Message[] {
  if (outcome.kind !== 'answered') return [];
  if (!reportsFailures) return [...messages];
  const { batchItemFailures } = BatchAnswer.parse(outcome.answer);
  const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
  return messages.filter(({ MessageId = '' }) => !failed.has(MessageId));
}

function mayTake(queue: string, busy: ReadonlyMap<string, number>): boolean {
  const mapping = DEPLOYMENT.mappings.find(({ queue: id }) => DEPLOYMENT.queues.get(id)?.QueueName === queue);
  return (
    mapping !== undefined && (busy.get(mapping.functionName) ?? 0) < Math.min(2, mapping.maximumConcurrency)
  );
}

async function endsSoon(world: World): Promise<boolean> {
  const before = world.engine.runningCount;
  for (let waitedMs = 0; waitedMs < COMMAND_MS; waitedMs += 3) {
    if (world.engine.runningCount < before) return true;
    await wait(3);
  }
  return false;
}

function isAtRest({ pollAt, outbox, status }: Run): boolean {
  return pollAt === undefined && outbox.length === 0 && status !== 'dispatching';
}

function shortly({ runId, status, waitingFor, pollAt, outbox }: Run) {
  return { runId, status, waitingFor, pollAt, outbox };
}
