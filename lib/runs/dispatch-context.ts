/** What taking a run to its provider needs, and what the queue learns of it. */
import type { Run } from '../model/run.ts';
import type { Providers } from '../providers/provider.ts';
import type { Handled } from '../queues/consume.ts';
import type { TakeLastLook } from '../store/last-look.ts';
import type { TwinLease } from '../store/twin-lease.ts';
import type { PollTiming } from './poll-timing.ts';
import type { SettleContext } from './settle.ts';

export interface DispatchContext extends SettleContext {
  providers: Providers;
  /** What may forbid a send, read immediately before it. */
  lastLook: TakeLastLook;
  /** How long one attempt may take before another may take over. */
  leaseMs: number;
  /** How long after an attempt with no answer a search that finds nothing is believed. */
  reconcileSettleMs: number;
  timing: PollTiming;
  /** Makes sure that the poller looks at that time. */
  wake: (at: Date) => Promise<void>;
  sleep: (ms: number) => Promise<void>;
  /** What this process is sending, by the key of its looks (lib/runs/twin.ts); one for each process. */
  atWork: Map<string, { runId: string; done: Promise<void> }>;
  /** Leases that this process took last, of attempts whose end is stored: the next of these looks reads neither again. */
  lately: Map<string, { lease: TwinLease; invocationId: string }>;
}

/** What the queue shall do with the message. */
export type DispatchResult = Handled<{ run: Run }>;

/** What became of one step of a dispatch: it goes on with the run as it is now, or that was all for this time. */
export type Step = { kind: 'next'; run: Run } | DispatchResult;

/** The answer for a run that is not done: the queue delivers its message again. */
export function retryLater(run: Run, retryAfterMs: number, reason: string): DispatchResult {
  return { kind: 'retry', retryAfterMs, reason, run };
}
