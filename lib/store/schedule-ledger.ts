/** The port to where live schedules are remembered. dynamodb-ledger.ts implements it, in the table of the runs. */
import * as z from 'zod';
import type { LiveSchedule, ScheduleKey } from '../model/live-schedule.ts';

/** How far the rules' schedules and the provider's are in step. */
export const SyncState = z.strictObject({
  version: z.literal(1),
  /** Of the rules, and whether everything was frozen, when they last were. */
  digest: z.string(),
  /** When to compare them again although nothing is known to have changed; absent: there is nothing to compare. */
  nextAt: z.string().optional(),
});
export type SyncState = z.infer<typeof SyncState>;

export interface Ledger {
  schedules: LiveSchedule[];
  sync?: SyncState;
}

export interface ScheduleLedger {
  /** Everything, in one query. */
  all(): Promise<Ledger>;
  get(key: ScheduleKey): Promise<LiveSchedule | undefined>;
  /** Stores a new one. `false`: one of that name is there. */
  add(schedule: LiveSchedule): Promise<boolean>;
  /**
   * Writes it if its stored revision is still `schedule.revision`; the stored one is one more. `undefined`: somebody
   * else was faster, or it is gone.
   */
  save(schedule: LiveSchedule): Promise<LiveSchedule | undefined>;
  /** One that is gone already is removed. */
  remove(key: ScheduleKey): Promise<void>;
  saveSync(state: SyncState): Promise<void>;
}
