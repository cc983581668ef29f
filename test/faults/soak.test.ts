/** The verdict of `npm run soak`: what grows with the time, and what only varies. */
import { expect, test } from 'vitest';
import { type Minute, quantile, slopeOf, verdictsOf } from './soak/measures.ts';

const minutes = (of: (minute: number) => Partial<Minute>): Minute[] =>
  Array.from({ length: 30 }, (_, index) => ({
    minute: index + 1,
    sent: 600,
    ended: 600,
    open: 20,
    p50Ms: 1_000 + (index % 3) * 40,
    p99Ms: 3_000 + (index % 5) * 90,
    functionsMb: 300 + (index % 4) * 5,
    standInsMb: 200 + index,
    heapMb: 100 + index,
    runItems: (index + 1) * 600,
    otherItems: 30,
    records: (index + 1) * 600,
    accepted: (index + 1) * 600,
    ...of(index + 1),
  }));

const growing = (all: readonly Minute[]) =>
  verdictsOf(all).flatMap(({ name, isFlat }) => (isFlat ? [] : [name]));

test('what varies and does not grow is flat; the stand-ins keep what they are given', () => {
  expect(growing(minutes(() => ({})))).toEqual([]);
});

test.each<[string, (minute: number) => Partial<Minute>]>([
  ['memory of the functions', (minute) => ({ functionsMb: 300 + minute * 2 + (minute % 4) })],
  ['told after end, p50', (minute) => ({ p50Ms: 1_000 + minute * 10 + (minute % 3) * 20 })],
  ['items beside those of the runs', (minute) => ({ otherItems: 30 + minute })],
  ['items of a run', (minute) => ({ runItems: minute * 600 + minute ** 2 * 5 })],
  ['runs that are open', (minute) => ({ open: minute * 3 })],
])('%s that grows is said to grow', (name, of) => {
  expect(growing(minutes(of))).toEqual([name]);
});

test('of two minutes nothing can be told', () => {
  expect(verdictsOf(minutes(() => ({})).slice(0, 2))).toEqual([]);
});

test('a slope is that of the least squares, with its error', () => {
  expect(slopeOf([1, 2, 3, 4].map((x) => [x, 2 * x + 1]))).toEqual({ slope: 2, mean: 6, error: 0 });
  expect(quantile([3, 1, 2], 0.5)).toBe(2);
});
