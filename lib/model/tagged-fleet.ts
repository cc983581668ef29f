/** A fleet of which the cloud is asked which instances it has, by their tags, when a run is about to be sent. */
import * as z from 'zod';

/** As a request names it. */
export const TaggedFleet = z.strictObject({
  name: z.string(),
  /** An instance is in it that has all of them. */
  tags: z.record(z.string(), z.string()),
});
export type TaggedFleet = z.infer<typeof TaggedFleet>;

/** As a run has it. */
export const RunFleet = TaggedFleet.extend({
  /** ISO 8601: when the cloud was asked. Absent: it is still to be asked, and the run's instances are not final. */
  readAt: z.string().optional(),
});
export type RunFleet = z.infer<typeof RunFleet>;

/** `role=web, stage=prod`, for people. */
export function describeTags(tags: TaggedFleet['tags']): string {
  return Object.entries(tags)
    .map(([key, value]) => `${key}=${value}`)
    .join(', ');
}
