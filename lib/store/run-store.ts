/**
 * The port to where runs are kept. Every write is one conditional write of one item; who loses a race gets the
 * current state and decides again. dynamodb-run-store.ts implements it; test/contract/run-store.test.ts holds its suite.
 */
import type { Run } from '../model/run.ts';
import type { RunId } from '../model/run-request.ts';
import type { Glimpse, TwinLease } from './twin-lease.ts';

export type Created = { isNew: true; run: Run } | { isNew: false; run: Run };

/** `conflict` carries what is stored now: someone else was faster. */
export type Saved = { kind: 'saved'; run: Run } | { kind: 'conflict'; run: Run };

export interface RunPage {
  runs: Run[];
  /** Opaque; absent on the last page. */
  cursor?: string;
}

export interface RunStore {
  /** Stores a new run unless its id exists already. */
  create(run: Run): Promise<Created>;
  get(runId: RunId): Promise<Run | undefined>;
  /** Those that are there and can be read, in no order. */
  getMany(runIds: readonly RunId[]): Promise<Run[]>;
  /**
   * Writes the run if its stored revision is still `run.revision`; the result's revision is one more. Outputs that are
   * not small are written before it, each by itself.
   */
  save(run: Run): Promise<Saved>;
  /** Newest first. */
  list(options: { limit: number; cursor?: string; rule?: string }): Promise<RunPage>;
  /** Runs that wait for their time, soonest first, whenever they were asked for. */
  scheduled(options: { limit: number; rule?: string | undefined }): Promise<Run[]>;
  /** Runs whose `pollAt` has come, most overdue first. */
  due(now: Date, limit: number): Promise<Run[]>;
  /** The soonest `pollAt` of all, if any. */
  nextDue(): Promise<Date | undefined>;
  /** Ids of the runs of a rule that have not ended. */
  live(rule: string): Promise<RunId[]>;

  /** The run with the outputs of all its tasks: one that was read lacks those that are stored by themselves. */
  outputs(run: Run): Promise<Run>;
  /**
   * Writes runs that have ended and whose events are out, without a condition, many in one request: nothing else
   * changes a run that has ended.
   */
  markTold(runs: readonly Run[]): Promise<void>;

  /** Notes whose an invocation is, for a provider that says by itself that it has changed. */
  noteInvocation(provider: string, invocationId: string, runId: RunId): Promise<void>;

  /** Whose an invocation is, if it has been noted. */
  invocationOwner(provider: string, invocationId: string): Promise<RunId | undefined>;

  /** Who sent last what looks like this (lib/runs/twin.ts). */
  twin(key: string): Promise<TwinLease | undefined>;
  /** Takes that lease, if it still is what was read; `undefined`: if there still is none. */
  takeTwin(key: string, lease: TwinLease, read: TwinLease | undefined): Promise<boolean>;
  /** As much of a run as can be read of it whichever version wrote it. */
  glimpse(runId: RunId): Promise<Glimpse | 'unreadable' | undefined>;

  /** Takes a named lease; `false` while another owner holds it. */
  acquireLease(name: string, owner: string, now: Date, leaseMs: number): Promise<boolean>;
  releaseLease(name: string, owner: string): Promise<void>;

  /**
   * Plans the poller's next wake-up: `true` when the caller shall send it, `false` when one that is as early is on
   * its way already.
   */
  planWakeUp(at: Date, now: Date): Promise<boolean>;
}
