/**
 * Whether a listing is past a time. That it is newest first is what vendors do and no document says: only a page that shows
 * it may end a listing. A time that cannot be read counts as new.
 */
export function isPast(times: readonly (string | undefined)[], since: Date): boolean {
  const known = times.map((time) => {
    const ms = Date.parse(time ?? '');
    return Number.isNaN(ms) ? Number.POSITIVE_INFINITY : ms;
  });
  const isNewestFirst = known.every((ms, at) => at === 0 || ms <= (known[at - 1] ?? ms));
  return isNewestFirst && (known.at(-1) ?? Number.POSITIVE_INFINITY) < since.getTime();
}
