/** The limiter's two promises: no window over the limit, wherever it starts; and every caller gets its turn. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRateLimiter } from '../../../lib/providers/rate-limiter.ts';
import { createManualClock } from './manual-clock.ts';

describe('rate limiter', () => {
  it('lets the limit through at once and the next one a whole window after the first', async () => {
    const clock = createManualClock();
    const limiter = createRateLimiter({ limit: 3, clock });
    const wentAt: number[] = [];
    for (let n = 0; n < 5; n += 1) void limiter.take('a').then(() => wentAt.push(clock.monotonicMs()));
    await clock.advance(2500);
    expect(wentAt).toEqual([0, 0, 0, 1000, 1000]);
  });

  it.each([{ limit: 3 }, { limit: Number.POSITIVE_INFINITY }])(
    'lets nobody through while it is held, at a limit of $limit, and says at once who waits in vain',
    async ({ limit }) => {
      const clock = createManualClock();
      const limiter = createRateLimiter({ limit, clock });
      const answers: string[] = [];
      const ask = (name: string, maxWaitMs?: number) =>
        limiter
          .take(name, maxWaitMs)
          .then((mayGo) => answers.push(`${name} ${mayGo} at ${clock.monotonicMs()}`));
      limiter.holdFor(700);
      void ask('short', 700);
      void ask('long', 701);
      void ask('patient');
      await clock.advance(100);
      expect([limiter.heldMs, ...answers]).toEqual([600, 'short false at 0']);
      await clock.advance(700);
      expect([limiter.heldMs, ...answers]).toEqual([
        0,
        'short false at 0',
        'long true at 700',
        'patient true at 700',
      ]);
    },
  );

  it('serves callers in turn and each caller in its own order', async () => {
    const clock = createManualClock();
    const limiter = createRateLimiter({ limit: 1, clock });
    const served: string[] = [];
    for (const name of ['a1', 'a2', 'a3', 'a4', 'b1', 'b2', 'c1']) {
      void limiter.take(name.slice(0, 1)).then(() => served.push(name));
    }
    await clock.advance(10_000);
    expect(served).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'a4']);
  });

  it('answers false to who cannot wait longer, and gives the place to the next', async () => {
    const clock = createManualClock();
    const limiter = createRateLimiter({ limit: 1, clock });
    const answers: string[] = [];
    void limiter.take('a').then((mayGo) => answers.push(`first ${mayGo}`));
    void limiter.take('a', 400).then((mayGo) => answers.push(`impatient ${mayGo} at ${clock.monotonicMs()}`));
    void limiter.take('a').then((mayGo) => answers.push(`patient ${mayGo} at ${clock.monotonicMs()}`));
    expect(limiter.waiting).toBe(2);
    await clock.advance(1000);
    expect(answers).toEqual(['first true', 'impatient false at 400', 'patient true at 1000']);
    expect(limiter.waiting).toBe(0);
  });

  it('blocks all calls while it is held', async () => {
    const clock = createManualClock();
    const limiter = createRateLimiter({ limit: 5, clock });
    limiter.holdFor(700);
    const wentAt: number[] = [];
    void limiter.take('a').then(() => wentAt.push(clock.monotonicMs()));
    await clock.advance(2000);
    expect(wentAt).toEqual([700]);
  });

  it('has no limit when told so', async () => {
    const limiter = createRateLimiter({ limit: Infinity });
    expect(await Promise.all(Array.from({ length: 1000 }, () => limiter.take('a')))).not.toContain(false);
  });

  it.each([0, -1, Number.NaN])('refuses a limit of %s', (limit) => {
    expect(() => createRateLimiter({ limit })).toThrow(RangeError);
  });

  it('never admits more than the limit in any window, and admits every caller in the end', async () => {
    const request = fc.record({
      afterMs: fc.integer({ min: 0, max: 300 }),
      caller: fc.constantFrom('a', 'b', 'c'),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 20 }),
        fc.array(request, { minLength: 1, maxLength: 120 }),
        async (limit, requests) => {
          const clock = createManualClock();
          const limiter = createRateLimiter({ limit, clock });
          const wentAt: number[] = [];
          for (const { afterMs, caller } of requests) {
            await clock.advance(afterMs);
            void limiter.take(caller).then(() => wentAt.push(clock.monotonicMs()));
          }
          await clock.advance(1000 * (requests.length + 1));
          expect(wentAt).toHaveLength(requests.length);
          for (const start of wentAt) {
            const inWindow = wentAt.filter((time) => time >= start && time < start + 1000).length;
            expect(inWindow).toBeLessThanOrEqual(limit);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
