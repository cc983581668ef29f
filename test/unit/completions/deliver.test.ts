/** What becomes of a delivery: it is out, comes back, or is kept for a person. Never is one lost, nor one that waits tried too soon. */
import { expect, it } from 'vitest';
import { deliverer } from '../../../lib/completions/deliver.ts';
import type { Delivery } from '../../../lib/completions/destination.ts';
import { refused, unavailable } from '../../../lib/completions/failure.ts';
import { FleetReflexError } from '../../../lib/errors.ts';
import type { DestinationRef } from '../../../lib/model/destination-ref.ts';
import { aDelivery } from '../../contract/destination-contract.ts';
import { capturedLog } from '../../fixtures/captured-log.ts';
import { aCompletionEvent } from '../../fixtures/completion-events.ts';

const REF: DestinationRef = { name: 'hook', webhook: 'https://hook.example/secret-path' };
const NOW = Date.parse('2026-11-21T12:00:00Z');
const HOUR = 3_600_000;
const DOWN = { kind: 'failed', error: unavailable(REF, 'it answered 503') } as const;
const REFUSES = { kind: 'failed', error: refused(REF, 'it answered 401', 'Ask its owner.') } as const;
const GONE = {
  kind: 'failed',
  error: new FleetReflexError('destination.gone', 'it answered 410', { disposition: 'hold' }),
} as const;

function aWorld(...answers: Delivery[]) {
  let now = NOW;
  let tries = 0;
  const log = capturedLog();
  const { lines } = log;
  const deliver = deliverer({
    senderOf: async () => ({
      send: async (events) =>
        events.map(() => {
          tries += 1;
          return answers.length > 1 ? (answers.shift() ?? DOWN) : (answers[0] ?? DOWN);
        }),
    }),
    log,
    now: () => new Date(now),
  });
  /** @param ageMs since it was put on the queue */
  const take = async (received = 1, ageMs = 0) =>
    await deliver(aDelivery(REF, aCompletionEvent(), now - ageMs, received));
  return {
    take,
    lines,
    deliver,
    tries: () => tries,
    later(ms: number) {
      now += ms;
    },
  };
}

it('a place that is down is tried for three days, and then the event is kept', async () => {
  const { take, later } = aWorld(DOWN);
  for (const ageMs of [0, HOUR, 71 * HOUR]) {
    await expect(take(2, ageMs)).rejects.toMatchObject({
      code: 'destination.unavailable',
      disposition: 'retry',
    });
    later(HOUR);
  }
  await expect(take(700, 72 * HOUR)).rejects.toMatchObject({
    code: 'destination.unavailable',
    disposition: 'hold',
  });
});

it('a place that refuses is tried nine times, and then the event is kept', async () => {
  const { take } = aWorld(REFUSES);
  for (const received of [1, 8]) await expect(take(received)).rejects.toMatchObject({ disposition: 'retry' });
  await expect(take(9)).rejects.toMatchObject({ code: 'destination.refused', disposition: 'hold' });
});

it('one that wants no more is not tried again', async () => {
  await expect(aWorld(GONE).take()).rejects.toMatchObject({ code: 'destination.gone', disposition: 'hold' });
});

it('an event that was kept and is moved back has its tries anew', async () => {
  const { take } = aWorld(DOWN);
  await expect(take(1, 0)).rejects.toMatchObject({ disposition: 'retry' });
});

it('after a failure the place is left alone for a while, longer each time, and never again once it answers', async () => {
  const { take, later, tries } = aWorld(DOWN, DOWN, { kind: 'delivered' });
  await expect(take()).rejects.toThrow();
  expect(await take()).toMatchObject({ kind: 'retry', retryAfterMs: 1_000 });
  later(1_000);
  await expect(take()).rejects.toThrow();
  expect(await take(2)).toMatchObject({ kind: 'retry', retryAfterMs: 2_000 });
  // What has waited often waits longer: the queue counts each receive.
  expect(await take(12)).toMatchObject({ kind: 'retry', retryAfterMs: 300_000 });
  expect(tries()).toBe(2);
  later(2_000);
  expect(await take()).toEqual({ kind: 'done' });
  expect(await take()).toEqual({ kind: 'done' });
  expect(tries()).toBe(4);
});

it('a place that says when it may be asked again is asked then', async () => {
  const busy = {
    kind: 'failed',
    error: unavailable(REF, 'it answered 429', { retryAfterMs: 90_000 }),
  } as const;
  const { take, later } = aWorld(busy, { kind: 'delivered' });
  await expect(take()).rejects.toMatchObject({ retryAfterMs: 90_000 });
  later(60_000);
  expect(await take()).toMatchObject({ kind: 'retry', retryAfterMs: 30_000 });
  later(30_000);
  expect(await take()).toEqual({ kind: 'done' });
});

it('one event that is refused keeps no other back', async () => {
  const { take } = aWorld(REFUSES, { kind: 'delivered' });
  await expect(take()).rejects.toThrow();
  expect(await take()).toEqual({ kind: 'done' });
});

it('a person hears of a place that has been down for ten minutes, and not before; its path is in no log', async () => {
  const { take, lines, later } = aWorld(DOWN);
  await expect(take(3, 9 * 60_000)).rejects.toThrow();
  later(HOUR);
  expect(JSON.stringify(lines)).not.toContain('destination.down');
  await expect(take(4, 10 * 60_000)).rejects.toThrow();
  expect(JSON.stringify(lines)).toContain('destination.down');
  expect(JSON.stringify(lines)).toContain('hook (web hook of hook.example)');
  expect(JSON.stringify(lines)).not.toContain('secret-path');
});

it.each([
  ['no JSON', 'hello'],
  ['of another version', JSON.stringify({ version: 2 })],
  ['without a destination', JSON.stringify({ version: 1, event: aCompletionEvent() })],
  [
    'of two destinations',
    JSON.stringify({ version: 1, destination: { ...REF, sqs: 'a' }, event: aCompletionEvent() }),
  ],
])('a message that is %s is kept for a person', async (_, body) => {
  const { deliver, tries } = aWorld(DOWN);
  await expect(deliver({ ...aDelivery(REF, aCompletionEvent(), NOW), body })).rejects.toMatchObject({
    code: 'delivery.invalid',
    disposition: 'hold',
  });
  expect(tries()).toBe(0);
});
