/** Which episode of which alert an event tells of, where its source says when the episode began. */
import type { Episode } from '../runs/episode.ts';
import { keyFor } from '../runs/guard-key.ts';
import type { TriggerEvent } from './trigger-event.ts';

/** @returns undefined for what is no alert, and for an alert whose beginning nobody tells: then only the order counts */
export function episodeOf(event: TriggerEvent): Episode | undefined {
  if (event.kind !== 'alert' || event.data.startsAt === undefined) return undefined;
  const { fingerprint, startsAt } = event.data;
  const at = Date.parse(startsAt);
  // The same instant in other words is the same beginning.
  const began = Number.isNaN(at) ? keyFor(startsAt) : new Date(at).toISOString();
  return { alert: keyFor(fingerprint), startsAt: began, time: event.time };
}
