/** Text of senders, people and clouds that is shown to people: a terminal, a log or a page must not obey it. */

/** Line breaks that are no control characters. */
const LINE_BREAKS = '\\u2028\\u2029';
const UNPRINTABLE = new RegExp(`[^\\P{C}\\t]|[${LINE_BREAKS}]`, 'gu');
const BREAKING = new RegExp(`[\\p{Cc}${LINE_BREAKS}]`, 'gu');

/** Shows control characters, and those that turn or hide text, as `\u{…}`. Tabs stay. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/**
 * A name that its owner chose, as one line: what breaks a line is a space, what turns or hides text is dropped, and a
 * long name is cut.
 * @param max in characters
 * @returns undefined if nothing is left
 */
export function shownName(text: string, max: number): string | undefined {
  // Cut first: a name may be as long as a message.
  const line = text
    .slice(0, 4 * max)
    .toWellFormed()
    .replace(BREAKING, ' ')
    .replace(/\p{C}/gu, '')
    .replace(/\s+/g, ' ')
    .trim();
  const characters = [...line];
  const isCut = characters.length > max || text.length > 4 * max;
  const shown = isCut ? `${characters.slice(0, max - 1).join('')}…` : line;
  return shown === '' ? undefined : shown;
}
