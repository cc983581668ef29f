/** The alert and episode of an event, if its source reports when the episode began. */
import type { Episode } from './episode.ts';
import { keyFor } from './guard-key.ts';
import type { TriggerEvent } from './trigger-event.ts';

/**
 * When the alert ended, if its source reports that but not the beginning: later runs belong to another episode.
 * @returns ISO 8601
 */
export function endOf({ kind, data }: TriggerEvent): string | undefined {
  if (kind !== 'alert' || data.status !== 'resolved' || data.startsAt !== undefined) return undefined;
  const at = Date.parse(data.endsAt ?? '');
  return Number.isNaN(at) ? undefined : new Date(at).toISOString();
}

/** @returns undefined if it is no alert, or an alert without a beginning: then only the order counts */
export function episodeOf(event: TriggerEvent): Episode | undefined {
  if (event.kind !== 'alert' || event.data.startsAt === undefined) return undefined;
  const { fingerprint, startsAt } = event.data;
  const at = Date.parse(startsAt);
  // Normalised, because the same instant has several spellings.
  const began = Number.isNaN(at) ? keyFor(startsAt) : new Date(at).toISOString();
  return { alert: keyFor(fingerprint), startsAt: began, time: event.time };
}
