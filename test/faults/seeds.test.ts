/**
 * A part of `npm run faults -- seeds`: schedules of faults that seeds give, in one process with a clock that is given.
 * A failure names its seed and the smallest plan that still fails.
 */
import { expect, test } from 'vitest';
import { playSeed } from './seeds/one.ts';

const SEEDS = Array.from({ length: 60 }, (_, index) => index + 1);

test('under the faults of a seed each command runs once or says that it is not known, and every end is told', {
  timeout: 120_000,
}, async () => {
  const failed: object[] = [];
  for (const seed of SEEDS) {
    const { problems, plan } = await playSeed(seed, 10_000);
    if (problems.length > 0) failed.push({ seed, problems, plan: JSON.stringify(plan) });
  }
  expect(failed).toEqual([]);
});

test('the same seed is the same schedule, step by step', async () => {
  const [one, other] = [await playSeed(7, 0), await playSeed(7, 0)];
  expect({ runs: one.runs, faults: [...one.faults] }).toEqual({
    runs: other.runs,
    faults: [...other.faults],
  });
});
