/** How every benchmark says a figure: one JSON line, ours beside a peer or a limit that was measured in the same run. */

export interface Figure {
  bench: string;
  figure: string;
  unit: string;
  better: 'lower' | 'higher';
  ours: number;
  /** What it is compared with, by name: a peer, a limit of the design, a lower bound. The ratio is to the first. */
  beside: Readonly<Record<string, number>>;
  /** Where it stands on the axis of a plot, such as `{ instances: 50 }`. */
  at?: Readonly<Record<string, number>>;
}

export function report({ bench, figure, unit, better, ours, beside, at }: Figure): void {
  const [first] = Object.values(beside);
  console.log(
    JSON.stringify({
      bench,
      figure,
      unit,
      better,
      ...at,
      ours: rounded(ours),
      ...Object.fromEntries(Object.entries(beside).map(([name, value]) => [name, rounded(value)])),
      ...(first !== undefined && first !== 0 && { ratio: rounded(ours / first) }),
    }),
  );
}

/** The value below which that share of them lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
