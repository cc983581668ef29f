/** A mention of the outgoing web hook in Teams: whether it begins the message, and what was typed after it. */
import * as z from 'zod';
import { withoutHtmlQuotes } from '../shared/spoken.ts';

const text = z.string().nullish();

export const Entity = z.looseObject({
  type: text,
  text,
  mentioned: z.looseObject({ id: text, name: text }).nullish(),
});

interface Addressed {
  text: string;
  /** Of the web hook, where Teams tells it. */
  recipient: { id?: string | null | undefined; name?: string | null | undefined } | undefined;
  entities: readonly z.infer<typeof Entity>[];
  /** The web hook's name, where the settings have it. */
  bot: string | undefined;
}

/** Bots, and so web hooks, have ids that begin so; people's begin with `29:`. */
const BOT_ID = /^28:/;

export function isBotId(id: string): boolean {
  return BOT_ID.test(id);
}

const FIRST = /^(?:\s|&nbsp;|<(?:p|div)(?:\s[^<>]*)?>)*<at(?:\s[^<>]*)?>([^<]*)<\/at>/i;
const ANY = /<at(?:\s[^<>]*)?>([^<]*)<\/at>/gi;

/** @returns undefined if a quote, words, or another mention begin the message */
export function saidToHook({ text: html, recipient, entities, bot }: Addressed): string | undefined {
  const [mention, given] = FIRST.exec(html) ?? [];
  if (mention === undefined || given === undefined) return undefined;
  const first = nameIn(given);
  const names = [...html.matchAll(ANY)].map(([, name = '']) => nameIn(name));
  if (!isHook(first, names, { recipient, entities, bot })) return undefined;
  return toText(withoutHtmlQuotes(html.slice(mention.length)));
}

function isHook(
  first: string,
  names: readonly string[],
  { recipient, entities, bot }: Omit<Addressed, 'text'>,
): boolean {
  const entity = entities.find(
    (it) =>
      it.type === 'mention' &&
      nameIn(it.text?.replace(/<[^<>]*>/g, '') ?? it.mentioned?.name ?? '') === first,
  );
  const id = entity?.mentioned?.id;
  if (id && recipient?.id) return id === recipient.id;
  if (id && !isBotId(id)) return false;
  const name = bot ?? recipient?.name;
  if (name) return first === nameIn(name);
  // Teams sends a web hook only messages that mention it: an only mention is the web hook's.
  return names.every((other) => other === first);
}

function nameIn(html: string): string {
  return toText(html).trim().toLowerCase();
}

const ENTITIES: Readonly<Record<string, string>> = {
  nbsp: ' ',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  '#39': "'",
  '#160': ' ',
  amp: '&',
};

function toText(html: string): string {
  return html
    .replace(/<(?:br|\/p|\/div)\s*\/?>/gi, '\n')
    .replace(/<[^<>]*>/g, '')
    .replace(/&(#?\w+);/g, (whole, name: string) => ENTITIES[name.toLowerCase()] ?? whole)
    .replaceAll('\u00a0', ' ');
}
