/**
 * The port of the run store. Every write is one conditional write of one item; the loser of a race gets the current state
 * and decides again. dynamodb-run-store.ts implements it; test/contract/run-store.test.ts is its contract suite.
 */
import type { Run } from '../model/run.ts';
import type { RunId } from '../model/run-request.ts';
import type { RunSummary } from '../model/run-summary.ts';
import type { LiveRun } from './live-index.ts';
import type { RunFilter } from './runs-where.ts';
import type { Glimpse, TwinLease } from './twin-lease.ts';

export type Created = { isNew: true; run: Run } | { isNew: false; run: Run };

/** `conflict` carries what is stored now: someone else was faster. */
export type Saved = { kind: 'saved'; run: Run } | { kind: 'conflict'; run: Run };

export interface RunListing extends RunFilter {
  limit: number;
  cursor?: string | undefined;
  /** ISO 8601: asked for from then on … */
  since?: string | undefined;
  /** … and before then. */
  until?: string | undefined;
}

export interface RunPage {
  runs: RunSummary[];
  /** Opaque; absent on the last page. */
  cursor?: string;
}

/**
 * The store of runs.
 * @example
 * const saved = await store.save({ ...run, cancelledBy: 'ann' });
 * if (saved.kind === 'conflict') decideAgain(saved.run); // another process wrote first
 */
export interface RunStore {
  /** Stores a new run unless its id exists already. */
  create(run: Run): Promise<Created>;
  get(runId: RunId): Promise<Run | undefined>;
  /** The existing, readable runs, in no order. */
  getMany(runIds: readonly RunId[]): Promise<Run[]>;
  /**
   * Writes the run if its stored revision is still `run.revision`; the result's revision is one more. Outputs that are
   * not small are written before it, each by itself.
   */
  save(run: Run): Promise<Saved>;
  /** Newest first. A page may have few runs, and a cursor for more. */
  list(options: RunListing): Promise<RunPage>;
  /** Runs that wait for their time, soonest first, whenever they were asked for. */
  scheduled(options: { limit: number; rule?: string | undefined }): Promise<Run[]>;
  /** Moves the entries that an earlier version wrote, at most once a minute, to where this one looks. */
  adoptEarlier(): Promise<void>;
  /** The scopes (`tencent#ap-guangzhou`, `-`) that ever had a live run, with the leases of their loops. */
  scopes(): Promise<ReadonlyMap<string, Lease | undefined>>;
  /** The entries of a scope's live runs, in the order of their last writes. @param after written after it, ISO 8601 */
  liveIn(scope: string, after?: string): Promise<LiveRun[]>;
  /** Ids of the runs of a rule that have not ended. */
  live(rule: string): Promise<RunId[]>;

  /** The run with the outputs of all its tasks: one that was read lacks those that are stored by themselves. */
  outputs(run: Run): Promise<Run>;
  /**
   * Writes runs that have ended and whose events are out, without a condition, many in one request: nothing else
   * changes a run that has ended.
   */
  markTold(runs: readonly Run[]): Promise<void>;

  /** Who sent last what looks like this (lib/runs/twin.ts). */
  twin(key: string): Promise<TwinLease | undefined>;
  /** Takes that lease, if it still is what was read; `undefined`: if there still is none. */
  takeTwin(key: string, lease: TwinLease, read: TwinLease | undefined): Promise<boolean>;
  /** As much of a run as can be read of it whichever version wrote it. */
  glimpse(runId: RunId): Promise<Glimpse | 'unreadable' | undefined>;

  /** Takes a named lease; `false` while another owner holds it. */
  acquireLease(name: string, owner: string, now: Date, leaseMs: number): Promise<boolean>;
  /** @param restUntil the earliest time at which it may be taken again */
  releaseLease(name: string, owner: string, restUntil?: Date): Promise<void>;
}

export interface Lease {
  owner: string;
  until: Date;
}

/** The name of the lease of a scope's loop. */
export function loopLease(scope: string): string {
  return `poller#${scope}`;
}
