/** The dependencies of dispatch, and its results for the queue. */
import type { Run } from '../model/run.ts';
import type { FleetCache } from '../providers/fleet-cache.ts';
import type { Providers } from '../providers/provider.ts';
import type { Handled } from '../queues/consume.ts';
import type { TakeLastLook } from '../store/last-look.ts';
import type { TwinLease } from '../store/twin-lease.ts';
import type { Circuits } from './circuits.ts';
import type { PollTiming } from './poll-timing.ts';
import type { SettleContext } from './settle.ts';

export interface DispatchContext extends SettleContext {
  providers: Providers;
  /** Says which instances a tagged fleet has; one for each process. */
  fleets: FleetCache;
  /** Reads what may forbid a send, immediately before it. */
  lastLook: TakeLastLook;
  /** The time after which another process may take over an attempt. */
  leaseMs: number;
  /** The time after a lost answer from which an empty search means that nothing was sent. */
  reconcileSettleMs: number;
  timing: PollTiming;
  /** Of all providers and regions; one for each process. */
  circuits: Circuits;
  /** Ensures that the poller looks at that time. */
  wake: (at: Date) => Promise<void>;
  sleep: (ms: number) => Promise<void>;
  /** What this process is sending, by the key of its looks (lib/runs/twin.ts); one for each process. */
  atWork: Map<string, { runId: string; done: Promise<void> }>;
  /** Leases that this process took last, of attempts whose end is stored: the next of these looks reads neither again. */
  lately: Map<string, { lease: TwinLease; invocationId: string }>;
}

/** The disposition of the message. */
export type DispatchResult = Handled<{ run: Run }>;

/** The result of one step of a dispatch: continue with the changed run, or stop for now. */
export type Step = { kind: 'next'; run: Run } | DispatchResult;

/** The answer for a run that is not done: the queue delivers its message again. */
export function retryLater(run: Run, retryAfterMs: number, reason: string): DispatchResult {
  return { kind: 'retry', retryAfterMs, reason, run };
}
