/**
 * What a cancel leaves for the runs that it has overtaken: queues keep no order, so that a run may come to be sent after
 * the cancel that is for it. A port; dynamodb-tombstones.ts implements it.
 */
import type { Asked } from '../model/episode.ts';

/** How long a cancel stops what it has overtaken. */
export const TOMBSTONE_MS = 24 * 60 * 60_000;

/** The runs that a cancel is for: those of a rule, of one key or (undefined) of any. */
export interface Aim {
  rule: string;
  key: string | undefined;
}

export interface Tombstone {
  /** Who cancelled, for people. */
  by: string;
  /** ISO 8601: when the cancel arrived first. */
  requestedAt: string;
  trigger: Asked['trigger'];
}

export interface TombstoneStore {
  /** Leaves it unless a newer one of its kind is there. */
  leaveTombstone(aim: Aim, tombstone: Tombstone, until: Date): Promise<void>;
  /** Those that may be for a run with this trigger, and are not over. */
  tombstones(aim: Aim, trigger: Tombstone['trigger'], now: Date): Promise<Tombstone[]>;
}
