/**
 * An episode of an alert: from when it begins to fire to when it is resolved. A cancel that the end of one asks for is
 * not for the runs of the next (docs/decisions/2026-11-21-cancels.md).
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

/** What an episode is asked of: runs and cancels have it. */
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

/** The episode that an event ends, or that somebody takes over; what fires ends none. */
export function episodeEnded({ type, episode }: Asked['trigger']): Episode | undefined {
  return type === 'alert.firing' ? undefined : episode;
}

/**
 * Whether a cancel reaches a run of its rule and key. Where both are of alerts of one source, the run has to be of the
 * episode that the cancel ends; else it has to be asked for before the cancel, and must not have begun after the end,
 * which may be a late one.
 */
export function reaches(cancel: Asked, run: Asked): boolean {
  const ended = episodeEnded(cancel.trigger);
  const own = run.trigger.episode;
  const isEarlier = Date.parse(run.requestedAt) <= Date.parse(cancel.requestedAt);
  if (ended === undefined || own === undefined || run.trigger.source !== cancel.trigger.source) {
    return isEarlier && !beganAfter(cancel, run);
  }
  if (!isSameEpisode(own, ended)) return false;
  // What came later may have happened before. A source that opens an episode again says so by a later time.
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
