/** Which episode of which alert an event tells of, where its source says when the episode began. */
import type { Episode } from './episode.ts';
import { keyFor } from './guard-key.ts';
import type { TriggerEvent } from './trigger-event.ts';

/**
 * When the alert ended, where its source tells that and not when it began: what began later is of another episode.
 * @returns ISO 8601
 */
export function endOf({ kind, data }: TriggerEvent): string | undefined {
  if (kind !== 'alert' || data.status !== 'resolved' || data.startsAt !== undefined) return undefined;
  const at = Date.parse(data.endsAt ?? '');
  return Number.isNaN(at) ? undefined : new Date(at).toISOString();
}

/** @returns undefined for what is no alert, and for an alert whose beginning nobody tells: then only the order counts */
export function episodeOf(event: TriggerEvent): Episode | undefined {
  if (event.kind !== 'alert' || event.data.startsAt === undefined) return undefined;
  const { fingerprint, startsAt } = event.data;
  const at = Date.parse(startsAt);
  // The same instant in other words is the same beginning.
  const began = Number.isNaN(at) ? keyFor(startsAt) : new Date(at).toISOString();
  return { alert: keyFor(fingerprint), startsAt: began, time: event.time };
}
