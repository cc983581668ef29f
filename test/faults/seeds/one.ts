/** One seed: its plan, made smaller if it fails. */
import fc from 'fast-check';
import { brokenPromises } from './invariants.ts';
import { PLAN, type Plan } from './plan.ts';
import { play } from './world.ts';

export interface SeedResult {
  /** The promises that did not hold; of the smallest plan that was found. */
  problems: readonly string[];
  plan: Plan | undefined;
  /** How often each kind of fault befell a request, in the first plan. */
  faults: ReadonlyMap<string, number>;
  runs: number;
  /** What happened in it. */
  lines: readonly string[];
}

/** @param shrinkMs how long a smaller plan is looked for */
export async function playSeed(seed: number, shrinkMs: number): Promise<SeedResult> {
  let first: Awaited<ReturnType<typeof play>> | undefined;
  let problems: readonly string[] = [];
  let lines: readonly string[] = [];
  const details = await fc.check(
    fc.asyncProperty(PLAN, async (plan) => {
      const played = await play(plan);
      first ??= played;
      const broken = brokenPromises(played);
      if (broken.length > 0) {
        problems = broken;
        lines = played.lines;
      }
      return broken.length === 0;
    }),
    { seed, numRuns: 1, interruptAfterTimeLimit: shrinkMs, markInterruptAsFailure: false },
  );
  const [plan] = details.counterexample ?? [];
  return { problems, plan, lines, faults: first?.faults ?? new Map(), runs: first?.runs.length ?? 0 };
}
