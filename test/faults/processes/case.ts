/** One case: a scenario, and where its first process dies; and what came of it. */
import * as z from 'zod';
import { Death } from './messages.ts';

export const Case = z.strictObject({ scenario: z.string(), death: Death.optional() });
export type Case = z.infer<typeof Case>;

export const CaseResult = z.strictObject({
  /** Nothing where all invariants hold. */
  problems: z.array(z.string()),
  /** How often each place was passed; of a case without a death. */
  passed: z.record(z.string(), z.int()),
  hasDied: z.boolean(),
  /** The last that the functions wrote, where something is wrong. */
  lines: z.array(z.string()),
  realMs: z.number(),
  clockMs: z.number(),
});
export type CaseResult = z.infer<typeof CaseResult>;
