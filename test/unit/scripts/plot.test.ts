/** The plots of docs/performance.md: where points and labels stand, whatever the figures are. */
import { expect, test } from 'vitest';
import { type Plot, svgOf } from '../../../scripts/plot.ts';

const aPlot = (given: Partial<Plot> = {}): Plot => ({
  title: 'A plot',
  x: { label: 'runs', isLog: true },
  y: { label: 'ms', isLog: true },
  series: [
    {
      name: 'ours',
      points: [
        [10, 1],
        [1000, 100],
      ],
    },
  ],
  ...given,
});

const circlesOf = (svg: string) =>
  [...svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [Number(x), Number(y)]);
const textsOf = (svg: string) => [...svg.matchAll(/<text [^>]*y="([-\d.]+)"[^>]*>([^<]*)</g)];

test('on logarithmic axes the ends stand in the corners, and each power of ten is a tick', () => {
  const svg = svgOf(aPlot());
  expect(circlesOf(svg)).toEqual([
    [70, 350],
    [470, 40],
  ]);
  expect(textsOf(svg).map(([, , text]) => text)).toEqual(
    expect.arrayContaining(['1', '10', '100', '1,000', 'runs', 'ms', 'ours']),
  );
});

test('a linear axis begins at nothing and ends after the most', () => {
  const points = [
    [1, 3],
    [30, 45],
  ] as const;
  const svg = svgOf(
    aPlot({
      x: { label: 'days', isLog: false },
      y: { label: 'units', isLog: false },
      series: [{ name: 'a', points }],
    }),
  );
  const [first, last] = circlesOf(svg);
  expect(last).toEqual([470, 40 + (310 * 5) / 50]);
  expect(first?.[1]).toBeCloseTo(350 - (310 * 3) / 50, 1);
});

test('names of series that end together do not lie on each other', () => {
  const series = ['a', 'b', 'c'].map((name) => ({ name, points: [[10, 5] as const, [100, 50] as const] }));
  const places = textsOf(svgOf(aPlot({ series })))
    .filter(([, , name = '']) => ['a', 'b', 'c'].includes(name))
    .map(([, y]) => Number(y));
  expect(places.map((place) => place - (places[0] ?? 0))).toEqual([0, 15, 30]);
});

test('one value alone is a plot too, and what is written in it is text', () => {
  const svg = svgOf(aPlot({ title: 'a < b & c', series: [{ name: '<script>', points: [[10, 1]] }] }));
  expect(svg).toContain('<title>a &lt; b &amp; c</title>');
  expect(svg).not.toMatch(/<script|NaN|Infinity/);
});
