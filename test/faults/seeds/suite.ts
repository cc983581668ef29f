/** Schedules of faults that seeds give, each in a world of its own with a clock that is given: hundreds in a minute. */
import type { Failure, Suite, SuiteReport } from '../suite.ts';
import { PARTS } from './faults.ts';
import { playSeed, type SeedResult } from './one.ts';

const SEEDS = 3_000;
/** A failing plan is made smaller for so long. */
const SHRINK_MS = 20_000;
const NAME = /^seed-(\d+)$/;

export const seeds: Suite = {
  name: 'seeds',
  what: `Events on seven rules of both clouds, and a schedule of faults that a seed gives, alone and together: at the ${PARTS.join(', ')}; deaths, clouds that are away for minutes, wrong clocks, a late index, two pollers, a freeze, and what the previous version wrote. The real door, dispatch, poller, guards and stores run over ports with these faults, and the cloud of the model remembers what it ran.`,
  async run({ only, cases = SEEDS, endsAtMs, onProgress }) {
    const begun = performance.now();
    const named = only === undefined ? undefined : NAME.exec(only)?.[1];
    if (only !== undefined && named === undefined) throw new Error(`a seed is called seed-1, not ${only}`);
    const all =
      named === undefined ? Array.from({ length: cases }, (_, index) => index + 1) : [Number(named)];
    const failures: Failure[] = [];
    const befell = new Map<string, { cases: number; runs: number; faults: number; failed: number }>();
    let played = 0;
    for (const seed of all) {
      if (performance.now() >= endsAtMs) break;
      const result = await playSeed(seed, SHRINK_MS);
      played += 1;
      count(befell, result);
      if (result.problems.length > 0) {
        const problems = [...result.problems, `by ${JSON.stringify(result.plan)}`];
        failures.push({ case: `seed-${seed}`, problems });
        onProgress(`seed-${seed} failed: ${problems[0]}`);
        if (named !== undefined) for (const line of result.lines) onProgress(line);
      }
      if (played % 250 === 0) onProgress(`${played} of ${all.length} schedules`);
    }
    const report: SuiteReport = {
      suite: 'seeds',
      what: seeds.what,
      rows: [...befell]
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, { cases: of, ...facts }]) => ({ name, cases: of, facts })),
      failures,
      notRun: all.length - played,
      seconds: Math.round((performance.now() - begun) / 1000),
    };
    return report;
  },
};

/** Each schedule is in one row: by how many of its faults befell a request. */
function count(
  rows: Map<string, { cases: number; runs: number; faults: number; failed: number }>,
  { faults, runs, problems }: SeedResult,
): void {
  const befell = [...faults.values()].reduce((sum, one) => sum + one, 0);
  const name =
    befell === 0
      ? 'no fault'
      : befell === 1
        ? 'one fault'
        : befell <= 4
          ? '2 to 4 faults'
          : '5 faults and more';
  const row = rows.get(name) ?? { cases: 0, runs: 0, faults: 0, failed: 0 };
  rows.set(name, {
    cases: row.cases + 1,
    runs: row.runs + runs,
    faults: row.faults + befell,
    failed: row.failed + (problems.length > 0 ? 1 : 0),
  });
}
