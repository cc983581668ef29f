/** Replay windows: a signed time must be near ours in both directions; a far-future time would never expire. */
import { FRESH, forged, stale, type Verification } from '../source.ts';

/** Five minutes: what Slack and Standard Webhooks ask for. */
const FIVE_MINUTES_MS = 5 * 60_000;

/**
 * Call it only after the signature over the same text has been verified.
 * @param timestamp Unix time as decimal text, in `unit`
 */
export function verifyFreshness(
  timestamp: string | undefined,
  now: Date,
  windowMs: number = FIVE_MINUTES_MS,
  unit: 's' | 'ms' = 's',
): Verification {
  if (timestamp === undefined || !/^\d{1,15}$/.test(timestamp))
    return forged('its timestamp is not a number');
  const ageMs = now.getTime() - Number(timestamp) * (unit === 's' ? 1000 : 1);
  if (Math.abs(ageMs) <= windowMs) return FRESH;
  const seconds = Math.round(Math.abs(ageMs) / 1000);
  return stale(
    `it was signed ${seconds} s ${ageMs > 0 ? 'ago' : 'in the future'}; ${windowMs / 1000} s are allowed`,
  );
}
