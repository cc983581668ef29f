/**
 * A suite of `npm run faults`: it brings about faults of one sort, many times, and says which of the promises of
 * docs/concepts.md did not hold. test/faults/suites.ts has them all; docs/fault-report.md is made of their reports.
 */
import * as z from 'zod';

export interface Suite {
  name: string;
  /** A sentence for the report: what it does, and to what. */
  what: string;
  run(options: SuiteOptions): Promise<SuiteReport>;
}

export interface SuiteOptions {
  /** Only the case with this name, as a failure prints it. */
  only: string | undefined;
  /** So many cases, spread over all; absent: all of them. */
  cases: number | undefined;
  /** After that time no further case is begun. */
  endsAtMs: number;
  /** A line for a person. */
  onProgress: (line: string) => void;
}

export const Failure = z.strictObject({
  /** Names the case: with it `npm run faults -- <suite> '<case>'` runs just that one again. */
  case: z.string(),
  problems: z.array(z.string()),
});
export type Failure = z.infer<typeof Failure>;

export const SuiteReport = z.strictObject({
  suite: z.string(),
  what: z.string(),
  /** A row each: a scenario, a kind of fault. */
  rows: z.array(z.strictObject({ name: z.string(), cases: z.int(), facts: z.record(z.string(), z.int()) })),
  failures: z.array(Failure),
  /** Cases that there was no time for. */
  notRun: z.int(),
  seconds: z.int(),
});
export type SuiteReport = z.infer<typeof SuiteReport>;

export function commandOf(suite: string, name: string): string {
  return `npm run faults -- ${suite} '${name}'`;
}
