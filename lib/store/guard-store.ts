/**
 * The port to what guards remember between runs: claims (dedupe, cooldown), the runs in flight, cells, and the
 * freeze. A claim belongs to the run that made it, so that the same run asked again passes its own guards.
 */
import * as z from 'zod';
import type { HourlyCounts } from '../model/hourly-count.ts';
import { RunId } from '../model/run-request.ts';
import type { Cells } from './cell.ts';
import type { InstanceLocks } from './instance-locks.ts';
import type { TombstoneStore } from './tombstones.ts';

export type Claim =
  | { isOurs: true }
  /** Held by another run until then. */
  | { isOurs: false; runId: RunId; until: Date };

export interface Freeze {
  /** The name of the token that froze; the caller cannot choose it. */
  by: string;
  /** For whom, as the caller says. */
  onBehalfOf?: string;
  reason: string;
  /** Absent: until lifted. */
  until?: Date;
}

/** A run that waits for its time. */
export const Appointment = z.strictObject({
  runId: RunId,
  /** ISO 8601, UTC: when it is to start; of a recurrence the first time. */
  at: z.iso.datetime(),
  /** When it is over whatever became of it; absent: not before it is struck. */
  until: z.iso.datetime().optional(),
  /** Of dedupe and cooldown. */
  key: z.string(),
  /** How many. */
  instances: z.int().positive(),
});
export type Appointment = z.infer<typeof Appointment>;

/** All runs of a rule that wait for their time. */
export interface Agenda {
  /** Counts the writes; each write names the one that it read. 0: nothing is stored. */
  revision: number;
  appointments: readonly Appointment[];
}

export interface GuardStore extends HourlyCounts, TombstoneStore, Cells, InstanceLocks {
  /** Claims `key` for the run until then, unless a live claim of another run is there. */
  claim(
    guard: string,
    rule: string,
    key: string | undefined,
    runId: RunId,
    until: Date,
    now: Date,
  ): Promise<Claim>;
  /** Reads a live claim without making one. */
  claimant(
    guard: string,
    rule: string,
    key: string | undefined,
    now: Date,
  ): Promise<{ runId: string; at: Date; until: Date } | undefined>;
  /** Gives a claim back, if it is the run's. */
  release(guard: string, rule: string, key: string | undefined, runId: RunId): Promise<void>;
  /** Adds the run to those in flight unless there are `max` others already. */
  enterFlight(rule: string, runId: RunId, max: number): Promise<boolean>;
  leaveFlight(rule: string, runId: RunId): Promise<void>;
  /** The runs in flight, in any order. */
  flight(rule: string): Promise<RunId[]>;
  /** As it is at this moment: what was written before is in it. */
  agenda(rule: string): Promise<Agenda>;
  /** Writes it if the stored revision is still `agenda.revision`; the stored one is one more. */
  saveAgenda(rule: string, agenda: Agenda): Promise<boolean>;
  freeze(now: Date): Promise<Freeze | undefined>;
  setFreeze(freeze: Freeze | undefined): Promise<void>;
}
