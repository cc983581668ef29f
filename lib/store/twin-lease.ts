/**
 * The lease for invocations that look the same to the provider. It names an attempt, not a time: it is held while the named
 * run has that attempt open, and the next run reads that run to find out.
 */
import * as z from 'zod';
import { RunId } from '../model/run-request.ts';

export const TwinLease = z.looseObject({
  version: z.literal(1),
  /** Counts the takings; each names the one that it read. */
  revision: z.int(),
  runId: RunId,
  /** The invocation of that run … */
  token: z.string(),
  /** … and which attempt of it. */
  attemptedAt: z.string(),
  /** Invocations that looked the same before this attempt began, and when they were noted: a search skips them. */
  notOurs: z.array(z.strictObject({ invocationId: z.string(), at: z.string() })),
});
export type TwinLease = z.infer<typeof TwinLease>;

/** As much of a stored run as the next in line has to know, whichever version wrote it. */
export const Glimpse = z.looseObject({
  status: z.string(),
  invocations: z.array(
    z.looseObject({ token: z.string(), state: z.string(), invocationId: z.string().optional() }),
  ),
});
export type Glimpse = z.infer<typeof Glimpse>;

/** What the run that a lease names has made of its attempt. */
export type Holding =
  /** The outcome is not known yet. */
  | { kind: 'open' }
  /** The outcome is known: the provider's id, or none for an attempt without effect. */
  | { kind: 'over'; invocationId?: string | undefined }
  /** The run has ended with an unknown outcome. */
  | { kind: 'unresolved' };

const SETTLED: ReadonlySet<string> = new Set(['planned', 'sent', 'notSent', 'dropped']);

/** @param run undefined: not in the table any more, long after its attempts */
export function holdingOf(
  lease: Pick<TwinLease, 'token'>,
  run: Glimpse | undefined,
  isTerminal: (status: string) => boolean,
): Holding {
  const invocation = run?.invocations.find(({ token }) => token === lease.token);
  // An invocation that was planned anew under another token certainly had no effect under this one.
  if (run === undefined || invocation === undefined) return { kind: 'over' };
  if (SETTLED.has(invocation.state)) return { kind: 'over', invocationId: invocation.invocationId };
  return isTerminal(run.status) ? { kind: 'unresolved' } : { kind: 'open' };
}
