/**
 * Mattermost: slash commands and outgoing webhooks as chat commands. Mattermost signs nothing: requests are
 * authenticated only by the token of the command or the hook.
 */
import * as z from 'zod';
import type { SourceRequest } from '../../http/request.ts';
import { verifySecret } from '../proofs/bearer.ts';
import { isOneOf } from '../proofs/secret-match.ts';
import { chatEvent } from '../shared/build-event.ts';
import { answerText, cutText } from '../shared/chat-answer.ts';
import { parseChatCommand, parseMention } from '../shared/chat-command.ts';
import { mattermostMarkup } from '../shared/chat-markup.ts';
import { deliveryId } from '../shared/delivery-id.ts';
import { toIsoTime } from '../shared/event-time.ts';
import { tenancy } from '../shared/tenancy.ts';
import {
  AUTHENTIC,
  checkPayload,
  defineSource,
  forged,
  type Normalisation,
  type SourceContext,
  type Verification,
} from '../source.ts';

const Settings = z.strictObject({
  command: z
    .string()
    .startsWith('/')
    .default('/fleet')
    .describe('The command that an outgoing webhook’s trigger word stands for.'),
});
type Settings = z.infer<typeof Settings>;

const text = z.string().nullish();
const person = {
  team_id: text,
  user_id: z.string(),
  user_name: text,
  channel_id: text,
  channel_name: text,
} as const;
const Slash = z.looseObject({ ...person, command: z.string(), text, trigger_id: text, response_url: text });
const Outgoing = z.looseObject({
  ...person,
  text: z.string(),
  trigger_word: text,
  post_id: text,
  timestamp: z.union([z.string(), z.number()]).nullish(),
});
const Token = z.looseObject({ token: z.string() });

/** A post has at most 16,383 characters. */
const MAX_TEXT = 8000;

export const mattermost = defineSource({
  name: 'mattermost',
  title: 'Mattermost',
  documentation: 'https://developers.mattermost.com/integrate/slash-commands/custom/',
  setup: `*Product menu → Integrations → Slash Commands → Add*: trigger word \`fleet\`, request URL
\`https://<your-endpoint>/hooks/mattermost\`, method POST (GET would put the token into the URL, and is refused). For
messages without a slash: *Outgoing Webhooks → Add* with a trigger word, which stands for the command. The secret is
the **token** that Mattermost shows; separate the tokens of several commands or hooks with commas.

The token authenticates the sender, not the body: use https. Only the caller sees the answer. Progress and
result go to the command's \`response_url\` when \`MATTERMOST_REPLY_SECRET\` names your server ([chat-ops.md](chat-ops.md));
outgoing webhooks have none.`,
  facts: {
    proof: 'the token, in `Authorization` or in the body',
    replayWindow: 'none',
    eventId: '`trigger_id`, `post_id`',
    people: {
      user: '`user_id`: *System Console → Users*',
      userName: 'user name',
      channel: '`channel_id`: *channel → View Info*',
      channelName: 'channel’s name',
      groups: '—',
      tenant: '`team_id`: `/api/v4/teams/name/<team>`',
    },
  },
  kinds: ['chat'],
  settings: Settings,
  contentTypes: ['application/x-www-form-urlencoded', 'application/json'],
  verify: verifyToken,
  payload: z.looseObject({ command: z.unknown().optional() }),
  normalise(payload, request, context) {
    return payload.command === undefined
      ? fromOutgoing(payload, request, context)
      : fromSlash(payload, request, context);
  },
  answer(outcomes) {
    if (outcomes.length === 0) return { status: 200, body: {} };
    const isSlash = outcomes.some(({ event }) => Slash.safeParse(rawOf(event)).success);
    return {
      status: 200,
      body: {
        response_type: isSlash ? 'ephemeral' : 'comment',
        text: cutText(answerText(outcomes, mattermostMarkup, isSlash ? 'caller' : 'channel'), MAX_TEXT),
      },
    };
  },
});

/** The token of the header, if there is one (slash commands send both); otherwise that of the body. */
function verifyToken(request: SourceRequest, { secrets }: SourceContext<Settings>): Verification {
  const header = request.headers['authorization'];
  const live = secrets.filter((secret) => secret !== '');
  if (header === undefined) return verifySecret(tokenIn(request), live, 'its token');
  const isLive = isOneOf(
    header,
    live.map((secret) => `Token ${secret}`),
  );
  return isLive ? AUTHENTIC : forged('its authorization header is not Token and a live secret');
}

function tokenIn(request: SourceRequest): string | undefined {
  try {
    return Token.safeParse(request.parsed()).data?.token;
  } catch {
    return undefined;
  }
}

function fromSlash(
  payload: unknown,
  request: SourceRequest,
  { now }: SourceContext<Settings>,
): Normalisation {
  const slash = checkPayload('mattermost', Slash, payload);
  const event = chatEvent(
    { source: 'mattermost', id: deliveryId(request.body, slash.trigger_id), time: now.toISOString() },
    { ...parseChatCommand(slash.command, slash.text ?? ''), ...peopleOf(slash), raw: payload },
  );
  const { response_url: responseUrl } = slash;
  return {
    kind: 'events',
    events: [event],
    // The reply destination checks the server: only it knows which one is ours.
    ...(responseUrl && { replyTo: { via: 'mattermost', address: { responseUrl } } }),
  };
}

function fromOutgoing(
  payload: unknown,
  request: SourceRequest,
  { now, settings }: SourceContext<Settings>,
): Normalisation {
  const post = checkPayload('mattermost', Outgoing, payload);
  const trigger = post.trigger_word ?? '';
  // Mattermost may also send what only begins like the word: `fleetwide outage`.
  if (
    trigger === '' ||
    !post.text.startsWith(trigger) ||
    !/^(?:\s|$)/.test(post.text.slice(trigger.length))
  ) {
    return { kind: 'ignored', because: 'the post does not begin with a trigger word' };
  }
  const event = chatEvent(
    {
      source: 'mattermost',
      id: deliveryId(request.body, post.post_id),
      time: toIsoTime(post.timestamp) ?? now.toISOString(),
    },
    { ...parseMention(settings.command, post.text.slice(trigger.length)), ...peopleOf(post), raw: payload },
  );
  return { kind: 'events', events: [event] };
}

function peopleOf(from: Pick<z.infer<typeof Slash>, keyof typeof person>) {
  return {
    user: { id: from.user_id, ...(from.user_name && { name: from.user_name }) },
    channel: from.channel_id
      ? { id: from.channel_id, ...(from.channel_name && { name: from.channel_name }) }
      : undefined,
    ...tenancy([from.team_id]),
  };
}

function rawOf({ data }: { data: unknown }): unknown {
  return typeof data === 'object' && data !== null && 'raw' in data ? data.raw : undefined;
}
