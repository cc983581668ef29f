/** The clock of the benchmarks on simulated time: it moves on only when nothing is left to do. */
import { expect, test } from 'vitest';
import { simulatedClock } from '../../../bench/simulated-clock.ts';

test('hours are waited for at once, in their order, and work in between takes no time', async () => {
  const clock = simulatedClock(1000);
  const seen: [string, number][] = [];
  const walk = async (name: string, stepMs: number) => {
    for (let step = 0; step < 2; step += 1) {
      await clock.sleep(stepMs);
      for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
      seen.push([name, clock.epochMs()]);
    }
    return name;
  };
  expect(await clock.until(Promise.all([walk('slow', 3_600_000), walk('fast', 60_000)]))).toEqual([
    'slow',
    'fast',
  ]);
  expect(seen).toEqual([
    ['fast', 61_000],
    ['fast', 121_000],
    ['slow', 3_601_000],
    ['slow', 7_201_000],
  ]);
});

test('what was taken back does not happen', async () => {
  const clock = simulatedClock(0);
  const happened: number[] = [];
  const takeBack = clock.schedule(10, () => happened.push(10));
  clock.schedule(5, takeBack);
  await clock.until(clock.sleep(20));
  expect(happened).toEqual([]);
});

test('what fails is heard of, and what waits for nothing on the clock is an error and no endless wait', async () => {
  const clock = simulatedClock(0);
  await expect(clock.until(clock.sleep(1).then(() => Promise.reject(new Error('no'))))).rejects.toThrow('no');
  await expect(clock.until(new Promise(() => {}))).rejects.toThrow(/not done/);
});
