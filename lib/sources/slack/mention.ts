/** A mention of the app in Slack: whether a person typed it just now, and to the app. */
import * as z from 'zod';

const text = z.string().nullish();

export const Mention = z.looseObject({
  type: z.string(),
  subtype: text,
  user: text,
  bot_id: text,
  app_id: text,
  bot_profile: z.unknown().optional(),
  edited: z.unknown().optional(),
  hidden: z.boolean().nullish(),
  text,
  channel: text,
  ts: text,
  thread_ts: text,
  team: text,
  user_team: text,
  source_team: text,
  user_profile: z.looseObject({ team: text }).nullish(),
});
export type Mention = z.infer<typeof Mention>;

/** One installation of the app that the event is for, as far as Slack tells: it lists at most one. */
export const Authorization = z.looseObject({
  team_id: text,
  enterprise_id: text,
  user_id: text,
  is_bot: z.boolean().nullish(),
});
export type Authorization = z.infer<typeof Authorization>;

/** What only messages have that an app, a workflow or an edit made; undefined for what a person typed anew. */
export function whyNotTyped(event: Mention): string | undefined {
  if (event.type !== 'app_mention' || !event.user) {
    return `Slack’s event ${event.type} of ${event.user ?? 'no person'} starts nothing`;
  }
  // What an app posts in somebody's name has these beside that person's id.
  const marks = (['bot_id', 'bot_profile', 'app_id', 'subtype', 'edited', 'hidden'] as const).filter(
    (name) => event[name] !== undefined && event[name] !== null && event[name] !== false,
  );
  if (marks.length === 0 && event.user !== 'USLACKBOT') return undefined;
  return `a person has not typed it just now: it has ${marks.join(', ') || 'the user USLACKBOT'}`;
}

const MENTIONED = /<@([A-Z0-9]+)(?:\|[^<>]*)?>/g;

/**
 * The text after the mention of the app that begins the message; undefined if another mention begins it. Slack's
 * authorizations name the app's user; without them, a mention is certainly the app's if it is the only one.
 */
export function saidToApp(message: string, authorizations: readonly Authorization[]): string | undefined {
  const [mention, first] = /^\s*<@([A-Z0-9]+)(?:\|[^<>]*)?>/.exec(message) ?? [];
  if (mention === undefined || first === undefined) return undefined;
  const bots = authorizations.flatMap(({ is_bot: isBot, user_id: id }) =>
    isBot !== false && id ? [id] : [],
  );
  const mentioned = new Set([...message.matchAll(MENTIONED)].map(([, id]) => id));
  const isApp = bots.length > 0 ? bots.includes(first) : mentioned.size === 1;
  return isApp ? message.slice(mention.length) : undefined;
}
