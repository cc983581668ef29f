/** What tells one firing from another, however often the provider shows it. */
import type { Firing } from '../providers/schedules.ts';

export function firingKey({ scheduleId, invocationId, at }: Firing): string {
  return invocationId ?? `${scheduleId}@${at}`;
}
