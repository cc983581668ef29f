/** Waits between attempts: spread over the whole range, capped; repeated only as often and as long as allowed. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffMs } from '../../../lib/providers/backoff.ts';
import { withRepetitions } from '../../../lib/providers/repetition.ts';
import { createManualClock } from './manual-clock.ts';

describe('backoffMs', () => {
  it('stays between nothing and the doubled base, and under the cap', () => {
    fc.assert(
      fc.property(
        fc.nat(60),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (repetition, dice) => {
          const waitMs = backoffMs(repetition, { baseMs: 200, capMs: 5000, random: () => dice });
          expect(waitMs).toBeGreaterThanOrEqual(0);
          expect(waitMs).toBeLessThanOrEqual(Math.min(5000, 200 * 2 ** repetition));
        },
      ),
    );
  });

  it.each([
    [0, 0, 0],
    [0, 0.5, 100],
    [3, 0.5, 800],
    [9, 0.5, 2500],
  ])('repetition %i with dice %f waits %f ms', (repetition, dice, expected) => {
    expect(backoffMs(repetition, { random: () => dice })).toBe(expected);
  });
});

describe('withRepetitions', () => {
  const always = (): { afterMs: number } => ({ afterMs: 0 });

  async function attemptTimes(
    mayRepeat: (outcome: number) => false | { afterMs: number },
    limits: { attempts: number; deadlineMs: number },
  ): Promise<number[]> {
    const clock = createManualClock();
    const times: number[] = [];
    const attempt = (): Promise<number> => {
      times.push(clock.monotonicMs());
      return Promise.resolve(times.length);
    };
    const done = withRepetitions(attempt, mayRepeat, { ...limits, clock, random: () => 0.5 });
    await clock.advance(60_000);
    expect(await done).toBe(times.length);
    return times;
  }

  it('waits longer each time and stops at the number of attempts', async () => {
    expect(await attemptTimes(always, { attempts: 4, deadlineMs: 60_000 })).toEqual([0, 100, 300, 700]);
  });

  it('stops when the outcome must not be repeated', async () => {
    expect(
      await attemptTimes((outcome) => (outcome < 2 ? { afterMs: 0 } : false), {
        attempts: 9,
        deadlineMs: 60_000,
      }),
    ).toEqual([0, 100]);
  });

  it('waits at least as long as the vendor asks', async () => {
    expect(await attemptTimes(() => ({ afterMs: 1000 }), { attempts: 2, deadlineMs: 60_000 })).toEqual([
      0, 1100,
    ]);
  });

  it('begins no attempt that the deadline would cut', async () => {
    expect(await attemptTimes(always, { attempts: 9, deadlineMs: 450 })).toEqual([0, 100, 300]);
  });
});
