/** What a soak measures each minute, and whether it stays flat: by the slope over the minutes, never by a limit. */

export interface Minute {
  minute: number;
  /** Events that were taken in this minute, and runs that were told to have ended. */
  sent: number;
  ended: number;
  /** Runs that are not told to have ended. */
  open: number;
  /** From the end of a run's last task to its completion event in our hands, milliseconds. */
  p50Ms: number;
  p99Ms: number;
  /** Of the processes of the functions together. */
  functionsMb: number;
  /** Of the stand-ins: queues, table and clouds keep all that they are given. */
  standInsMb: number;
  heapMb: number;
  /** Items of runs in the table, and all others there; those of the records. */
  runItems: number;
  otherItems: number;
  records: number;
  accepted: number;
}

export const COLUMNS = [
  ['min', ({ minute }: Minute) => minute],
  ['sent', ({ sent }: Minute) => sent],
  ['ended', ({ ended }: Minute) => ended],
  ['open', ({ open }: Minute) => open],
  ['p50 ms', ({ p50Ms }: Minute) => Math.round(p50Ms)],
  ['p99 ms', ({ p99Ms }: Minute) => Math.round(p99Ms)],
  ['functions MB', ({ functionsMb }: Minute) => Math.round(functionsMb)],
  ['stand-ins MB', ({ standInsMb }: Minute) => Math.round(standInsMb)],
  ['heap MB', ({ heapMb }: Minute) => Math.round(heapMb)],
  ['run items', ({ runItems }: Minute) => runItems],
  ['others', ({ otherItems }: Minute) => otherItems],
  ['records', ({ records }: Minute) => records],
] as const;

/** Which of them must not grow with the time. */
const FLAT: readonly (readonly [name: string, of: (minute: Minute) => number])[] = [
  ['told after end, p50', ({ p50Ms }) => p50Ms],
  ['told after end, p99', ({ p99Ms }) => p99Ms],
  ['memory of the functions', ({ functionsMb }) => functionsMb],
  ['runs that are open', ({ open }) => open],
  ['items beside those of the runs', ({ otherItems }) => otherItems],
  ['items of a run', ({ runItems, accepted }) => runItems / Math.max(1, accepted)],
  ['records of an event', ({ records, accepted }) => records / Math.max(1, accepted)],
];

export interface Verdict {
  name: string;
  isFlat: boolean;
  /** In an hour, of the mean. */
  growthInAnHour: number;
  /** How many of its standard errors the slope is. */
  certainty: number;
}

/** So much of the beginning is warming up. */
const WARM_UP = 0.2;
/** What grows by less than this in an hour is flat, and so is what may as well be chance. */
const GROWTH = 0.1;
const CERTAIN = 3;
const LEAST = 3;

/** @returns nothing for fewer minutes than a slope can be told from */
export function verdictsOf(minutes: readonly Minute[]): Verdict[] {
  const warm = minutes.slice(Math.ceil(minutes.length * WARM_UP));
  if (warm.length < LEAST) return [];
  return FLAT.map(([name, of]) => {
    const { slope, error, mean } = slopeOf(warm.map((minute) => [minute.minute, of(minute)]));
    const growthInAnHour = mean === 0 ? 0 : (slope * 60) / mean;
    const certainty = slope === 0 ? 0 : slope / error;
    return { name, growthInAnHour, certainty, isFlat: growthInAnHour <= GROWTH || certainty < CERTAIN };
  });
}

/** Least squares, with the standard error of the slope. */
export function slopeOf(points: readonly (readonly [x: number, y: number])[]) {
  const count = points.length;
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / count;
  const mean = points.reduce((sum, [, y]) => sum + y, 0) / count;
  const spread = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  const slope = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - mean), 0) / spread;
  const rest = points.reduce((sum, [x, y]) => sum + (y - mean - slope * (x - meanX)) ** 2, 0);
  return { slope, mean, error: Math.sqrt(rest / Math.max(1, count - 2) / spread) };
}

/** @param share 0.5 is the median; of nothing 0 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
