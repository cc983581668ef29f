/**
 * The three forms of a time zone in a Cloud Assistant `Frequency`: a full name (`Asia/Shanghai`), an offset
 * (`GMT+8:00`, no leading zero in the hour), and the one abbreviation `UTC`.
 */
export type TimeZone = { kind: 'name'; name: string } | { kind: 'offset'; minutes: number };

export const UTC: TimeZone = { kind: 'offset', minutes: 0 };

/** @returns undefined for anything that is none of the three forms, or a name that does not exist */
export function readTimeZone(text: string): TimeZone | undefined {
  if (text === 'UTC') return UTC;
  const offset = /^GMT([+-])(\d|1\d):([0-5]\d)$/.exec(text);
  if (offset !== null) {
    const minutes = Number(offset[2]) * 60 + Number(offset[3]);
    if (minutes > 14 * 60) return undefined;
    return { kind: 'offset', minutes: offset[1] === '-' ? -minutes : minutes };
  }
  // Full names only: the abbreviations that the platform would take (EST, PST8PDT) are not in the document.
  if (!/^[A-Za-z_]+(\/[A-Za-z0-9_+-]+)+$/.test(text)) return undefined;
  try {
    new Intl.DateTimeFormat('en', { timeZone: text });
    return { kind: 'name', name: text };
  } catch {
    return undefined;
  }
}

/** The instant at which a clock in this zone shows that time; `wallMs` is the time as if it were UTC. */
export function instantOf(wallMs: number, zone: TimeZone): Date {
  if (zone.kind === 'offset') return new Date(wallMs - zone.minutes * 60_000);
  // Twice: the first guess may lie on the other side of a change to or from summer time.
  const guess = wallMs - offsetMs(wallMs, zone.name);
  return new Date(wallMs - offsetMs(guess, zone.name));
}

/** How far a named zone is ahead of UTC at an instant. */
function offsetMs(instantMs: number, name: string): number {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone: name,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(instantMs);
  const part = (type: Intl.DateTimeFormatPartTypes): number =>
    Number(parts.find((candidate) => candidate.type === type)?.value ?? 0);
  const wall = Date.UTC(
    part('year'),
    part('month') - 1,
    part('day'),
    part('hour'),
    part('minute'),
    part('second'),
  );
  return wall - Math.floor(instantMs / 1000) * 1000;
}
