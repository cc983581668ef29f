/** What senders and clouds have said may hold anything; a terminal must not obey it. Tabs stay. */
export function printable(text: string): string {
  return text.replace(/[^\P{C}\t]/gu, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}
