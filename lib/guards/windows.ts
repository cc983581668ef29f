/** Freeze windows and maintenance windows: asked at the moment of a send, whatever the time of the event. */
import type { Window, Windows } from '../model/window.ts';
import { isOpen, nextOccurrence, type Occurrence } from './crontab.ts';
import type { Frozen } from './guard.ts';

/** Why nothing may be sent now: of several windows the one that holds longest. */
export function closedBy({ freezes = [], only = [] }: Windows, now: Date): Frozen | undefined {
  const closed = [
    ...freezes.flatMap((window) => freezeOf(window, nextOccurrence(window, now), now) ?? []),
    ...only.flatMap((windows) => outsideOf(windows, now) ?? []),
  ];
  return closed.toSorted((a, b) => timeOf(b.until) - timeOf(a.until))[0];
}

function freezeOf({ name }: Window, occurrence: Occurrence, now: Date): Frozen | undefined {
  if (!isOpen(occurrence, now)) return undefined;
  const { until } = occurrence;
  return frozen(
    `The window \`${name}\` freezes it ${until ? `until ${until.toISOString()}` : 'for good'}.`,
    until,
  );
}

/** One of them must be open. The first to open is named, with when it closes again. */
function outsideOf(windows: readonly Window[], now: Date): Frozen | undefined {
  const coming = windows.map((window) => ({ window, next: nextOccurrence(window, now) }));
  if (coming.some(({ next }) => isOpen(next, now))) return undefined;
  const [first] = coming.toSorted((a, b) => a.next.from.getTime() - b.next.from.getTime());
  if (first === undefined) return undefined;
  const { from, until } = first.next;
  const end = until ? ` until ${until.toISOString()}` : '';
  return frozen(
    `It is sent in the window \`${first.window.name}\` only, which is open from ${from.toISOString()}${end}.`,
    from,
  );
}

function frozen(message: string, until: Date | undefined): Frozen {
  return { reason: { code: 'guard.freeze', message }, until };
}

function timeOf(until: Date | undefined): number {
  return until?.getTime() ?? Number.POSITIVE_INFINITY;
}
