/** What a person typed, as words: the same rules for every chat source. */
import type { ChatData } from '../../model/trigger-event.ts';
import { withoutQuotes } from './spoken.ts';

/** `key=value`, where the value may be empty or quoted. */
const OPTION = /^([A-Za-z_][\w.-]*)=(.*)$/s;
/** Phones and desktop apps turn straight quotes into these. */
const CURLY_DOUBLE = /[\u201c\u201d\u201e]/g;
const CURLY_SINGLE = /[\u2018\u2019]/g;

/**
 * @param command the command word: `/fleet`
 * @param text what follows it
 * @returns `args` in order; of an option given twice the last; `text` as typed, trimmed
 */
export function parseChatCommand(
  command: string,
  text: string,
): Pick<ChatData, 'command' | 'args' | 'options' | 'text'> {
  const args: string[] = [];
  const options = new Map<string, string>();
  for (const word of splitWords(text)) {
    const [, key, value] = OPTION.exec(word) ?? [];
    if (key === undefined || value === undefined || key === '__proto__') args.push(word);
    else options.set(key, value);
  }
  return { command, args, options: Object.fromEntries(options), text: text.trim() };
}

/**
 * A message to a bot as a command. A first word with a slash is the command; otherwise the command is `command`, so that
 * `@bot patch web` fires the rules of `/fleet patch web`. Quotes and code are left out.
 * @param text what follows the mention
 */
export function parseMention(command: string, text: string): ReturnType<typeof parseChatCommand> {
  const said = withoutQuotes(text);
  const [, word, rest = ''] = /^\s*(\/\S+)(.*)$/s.exec(said) ?? [];
  return word === undefined ? parseChatCommand(command, said) : parseChatCommand(word, rest);
}

/** Splits at white space; quotes keep words together and are dropped, an unclosed one reaches to the end. */
function splitWords(text: string): string[] {
  const straight = text.replace(CURLY_DOUBLE, '"').replace(CURLY_SINGLE, "'");
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (const character of straight) {
    if (quote !== undefined) {
      if (character === quote) quote = undefined;
      else word += character;
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if ((character === '"' || character === "'") && mayOpenQuote(word)) {
      quote = character;
      word ??= '';
    } else {
      word = (word ?? '') + character;
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}

/** A quote opens at the start of a word or of an option's value: the apostrophe of `don't` is only itself. */
function mayOpenQuote(word: string | undefined): boolean {
  return word === undefined || word.endsWith('=');
}
