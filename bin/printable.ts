/** Removes control sequences from the text of senders and clouds, because a terminal would obey them. Tabs stay. */
export function printable(text: string): string {
  return text.replace(/[^\P{C}\t]/gu, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}
