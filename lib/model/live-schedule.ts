/** Our record of a schedule at a provider. */
import * as z from 'zod';
import { DestinationRef } from './destination-ref.ts';
import { ProviderName } from './provider-name.ts';
import { FollowUp, RunId, RunRequest } from './run-request.ts';
import { ScheduleSettings } from './schedule-settings.ts';
import { upgradeRunRequest } from './upgrade.ts';

export type ScheduleRequest = Extract<RunRequest, { action: 'schedule' }>;

const Timing = z.union([z.strictObject({ at: z.string() }), z.strictObject({ recurrence: z.string() })]);

export const LiveSchedule = z.strictObject({
  version: z.literal(1),
  /** Counts the writes; each write names the one that it read. */
  revision: z.int(),
  provider: ProviderName,
  region: z.string(),
  /** Its name at the provider: its name in the rules, or the id of the run that created it. */
  name: z.string(),
  command: z.string(),
  instances: z.array(z.string()),
  parameters: z.record(z.string(), z.string()),
  username: z.string().optional(),
  settings: ScheduleSettings.optional(),
  timing: Timing,
  /** The rule that its runs are listed under: the rule that created it, or its own name. */
  rule: z.string(),
  notify: z.array(DestinationRef),
  /** Of a standing one: what may run after its runs. */
  followUps: z.array(FollowUp).optional(),
  /** The event that created it; absent for a standing one. */
  request: z.preprocess(upgradeRunRequest, RunRequest).optional(),
  /** The provider's id; absent until it is known. */
  scheduleId: z.string().optional(),
  /** The answer to its creation was lost: it may exist. */
  isUncertain: z.boolean(),
  /** The provider does not fire it after this time: it is disabled in the rules, or everything is frozen. */
  heldSince: z.string().optional(),
  /** ISO 8601, as all times here. It did nothing before. */
  madeAt: z.string(),
  /** Every firing before it is known. */
  lookedFrom: z.string(),
  /** When the provider was last asked. */
  lookedAt: z.string().optional(),
  /** The firings about that time that are known. */
  recent: z.array(z.string()),
  /** For one that fires once, when it has: its run. */
  firedAs: RunId.optional(),
  /** Where a failure ends what recurs: the last run, until it has ended. */
  lastRun: RunId.optional(),
});
export type LiveSchedule = z.infer<typeof LiveSchedule>;

export type ScheduleKey = Pick<LiveSchedule, 'provider' | 'region' | 'name'>;

export function keyOf({ provider, region, name }: ScheduleKey): string {
  return `${provider}/${region}/${name}`;
}
