/**
 * An episode of an alert, from the start of firing to its resolution. A cancel at the end of one episode does not affect the
 * runs of the next (docs/decisions/2026-11-21-cancels.md).
 */
import * as z from 'zod';

export const Episode = z.strictObject({
  /** The alert's fingerprint. */
  alert: z.string(),
  /** ISO 8601: the same from the first notification of the episode to its last. */
  startsAt: z.string(),
  /** ISO 8601, by the sender's clock: when what the event tells happened. */
  time: z.string(),
});
export type Episode = z.infer<typeof Episode>;

/** The fields that decide about an episode, of runs and cancels. */
export interface Asked {
  /** ISO 8601, by our clock. Of a cancel the time of its first arrival. */
  requestedAt: string;
  trigger: {
    source: string;
    type: string;
    episode?: Episode | undefined;
    /** ISO 8601, by the sender's clock: of an end whose beginning is not known. */
    endsAt?: string | undefined;
  };
}

/** The episode that a resolved or acknowledged alert ends; a firing alert ends none. */
export function episodeEnded({ type, episode }: Asked['trigger']): Episode | undefined {
  return type === 'alert.firing' ? undefined : episode;
}

/**
 * Whether a cancel affects a run of its rule and key. If both come from alerts of one source, the run must belong to the
 * episode that the cancel ends. Otherwise the run must have been requested before the cancel, and must not have begun after
 * the end, which may arrive late.
 */
export function reaches(cancel: Asked, run: Asked): boolean {
  const ended = episodeEnded(cancel.trigger);
  const own = run.trigger.episode;
  const isEarlier = Date.parse(run.requestedAt) <= Date.parse(cancel.requestedAt);
  if (ended === undefined || own === undefined || run.trigger.source !== cancel.trigger.source) {
    return isEarlier && !beganAfter(cancel, run);
  }
  if (!isSameEpisode(own, ended)) return false;
  // A later arrival may have happened earlier. A source that reopens an episode reports a later time.
  const happened = Date.parse(own.time);
  return isEarlier || happened < Date.parse(ended.time) || happened <= Date.parse(own.startsAt);
}

/** Of one source, whose clock told both. */
function beganAfter(
  { trigger: { source, endsAt } }: Asked,
  { trigger: { source: of, episode } }: Asked,
): boolean {
  if (endsAt === undefined || episode === undefined || of !== source) return false;
  return Date.parse(episode.startsAt) > Date.parse(endsAt);
}

function isSameEpisode(one: Episode, other: Episode): boolean {
  return one.alert === other.alert && one.startsAt === other.startsAt;
}
