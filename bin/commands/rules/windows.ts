/** The windows of a rules file for a person: when each opens next, and when it closes. */
import { isOpen, nextOccurrence } from '../../../lib/guards/crontab.ts';
import type { Window } from '../../../lib/model/window.ts';
import type { Rule, RuleSet } from '../../../lib/rules/rule.ts';

/** A line for each window of the file, and of each rule that has its own. */
export function windowLines(
  { freezes, only }: RuleSet['windows'],
  rules: readonly Rule[],
  now: Date,
): string[] {
  const ofFile = new Set([...freezes, ...only].map(({ window }) => keyOf(window)));
  const own = rules.flatMap(({ name, action }) => {
    const { windows } = action.kind === 'cancel' ? {} : action.guards;
    const line = (kind: string) => (window: Window) =>
      ofFile.has(keyOf(window)) ? [] : [`  ${kind} ${describe(window, now)}, for ${name}`];
    return [
      ...(windows?.freezes ?? []).flatMap(line('freeze')),
      ...(windows?.only ?? []).flat().flatMap(line('only')),
    ];
  });
  const shown = (kind: string, of: typeof freezes) =>
    of.map(({ window, except }) => {
      const who = except.length === 0 ? '' : `, except ${except.join(', ')}`;
      return `  ${kind} ${describe(window, now)}${who}`;
    });
  return [...shown('freeze', freezes), ...shown('only', only), ...own];
}

/** Windows of the packaged form are copies. */
function keyOf(window: Window): string {
  return JSON.stringify(window);
}

/** `month-end: open now, until …`; `month-end: next from … until …` */
function describe(window: Window, now: Date): string {
  const next = nextOccurrence(window, now);
  const until = next.until?.toISOString() ?? 'for good';
  return isOpen(next, now)
    ? `${window.name}: open now, until ${until}`
    : `${window.name}: next from ${next.from.toISOString()} until ${until} (${clock(next.from, window)})`;
}

/** In the words of its zone: `Sat 28 Nov 18:00 in Asia/Shanghai`. */
function clock(time: Date, { zone }: Window): string {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
  });
  return `${parts.format(time).replaceAll(',', '')} in ${zone}`;
}
