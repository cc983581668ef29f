/**
 * A captured request whose signature has no time never expires, but its run is remembered only as long as runs are kept. So
 * an event that is older than that, by its own time, starts nothing.
 */
import type { Note } from '../model/decision.ts';
import type { TriggerEvent } from '../model/trigger-event.ts';
import { RETENTION_DAYS } from '../store/table.ts';

const DAY_MS = 86_400_000;

/**
 * @param askedAt when it was received, or first sent
 * @returns why the event is refused; undefined for a recent event, or if the sender signs the time of sending. Commands of
 * people are checked in lib/runs/command-age.ts
 */
export function whyStale(event: TriggerEvent, askedAt: Date, isFresh = false): Note | undefined {
  const ageMs = askedAt.getTime() - Date.parse(event.time);
  if (isFresh || event.kind === 'chat' || ageMs <= RETENTION_DAYS * DAY_MS) return undefined;
  return {
    code: 'event.stale',
    message: `The event is of ${event.time}, ${Math.floor(ageMs / DAY_MS)} days old, and its proof does not say when it was sent. Events are remembered for ${RETENTION_DAYS} days, so that this one may have come before: nothing was run. If it is wanted, run it by hand.`,
  };
}
