/**
 * Feishu and Lark: messages to a bot as chat commands. An Encrypt Key is required, because Feishu signs only with one:
 * without it, the body contains just a token.
 */
import * as z from 'zod';
import { parseJson } from '../../http/body.ts';
import type { SourceRequest } from '../../http/request.ts';
import { verifyFreshness } from '../proofs/freshness.ts';
import { chatEvent } from '../shared/build-event.ts';
import { parseMention } from '../shared/chat-command.ts';
import { deliveryId } from '../shared/delivery-id.ts';
import { toIsoTime } from '../shared/event-time.ts';
import { tenancy } from '../shared/tenancy.ts';
import {
  checkPayload,
  defineSource,
  forged,
  type Normalisation,
  type SourceContext,
  type Verification,
} from '../source.ts';
import { Encrypted, readFeishuBody, signingKeyOf } from './crypto.ts';

const Settings = z.strictObject({
  command: z
    .string()
    .startsWith('/')
    .default('/fleet')
    .describe('The command that a message to the bot stands for.'),
  bot: z
    .string()
    .optional()
    .describe(
      'The bot’s name in mentions, or its `open_id`. Required if the app receives all messages of its groups, and for commands that also mention others if Feishu does not mark bots. Default: the mention at the start of a message is the bot’s unless it is a person’s, or others are mentioned.',
    ),
});
type Settings = z.infer<typeof Settings>;

const text = z.string().nullish();
const SetUp = z.looseObject({ type: z.literal('url_verification'), challenge: z.string() });
const Payload = z.looseObject({
  type: text,
  challenge: text,
  header: z.looseObject({ event_id: text, event_type: text, create_time: text }).nullish(),
});
const Mention = z.looseObject({
  key: z.string(),
  name: text,
  /** Old callbacks have the open_id alone. */
  id: z.union([z.looseObject({ open_id: text, user_id: text }), z.string()]).nullish(),
  mentioned_type: text,
});
type Mention = z.infer<typeof Mention>;
const MessageReceived = z.looseObject({
  header: z.looseObject({ event_id: text, create_time: text, tenant_key: text }),
  event: z.looseObject({
    sender: z.looseObject({
      sender_id: z.looseObject({ open_id: text, union_id: text }).nullish(),
      sender_type: text,
      tenant_key: text,
    }),
    message: z.looseObject({
      chat_id: text,
      chat_type: text,
      message_type: text,
      content: text,
      create_time: text,
      mentions: z.array(Mention.nullable()).nullish(),
    }),
  }),
});
const Content = z.looseObject({ text: z.string() });

/** Feishu retries for 7.1 hours after an event, and does not document whether it signs retries anew. */
const WINDOW_MS = 8 * 60 * 60_000;

export const feishu = defineSource({
  name: 'feishu',
  title: 'Feishu and Lark',
  documentation:
    'https://open.feishu.cn/document/server-docs/event-subscription-guide/event-subscription-configure-/encrypt-key-encryption-configuration-case',
  setup: `In the [developer console](https://open.feishu.cn/app) (Lark: open.larksuite.com): an app with a **bot**. Under
*Events & Callbacks → Encryption Strategy* set an **Encrypt Key**: it is the secret, and requests without it are
refused. Then *Event Configuration*: request URL \`https://<your-endpoint>/hooks/feishu\`, event
\`im.message.receive_v1\`, and the permission to receive messages that mention the bot in groups.

\`@<bot> run patch-web\` in a group, or the same without a mention in a single chat, reads as \`/fleet run patch-web\`.
People are identified by their \`open_id\`. Feishu discards the response to an event: answers, progress and results go to a
custom bot's web hook ([chat-ops.md](chat-ops.md)).`,
  facts: {
    proof: 'SHA-256 of time, nonce, Encrypt Key and body in `X-Lark-Signature`',
    replayWindow: '8 hours',
    eventId: '`header.event_id`',
    people: {
      user: '`open_id`, `ou_…`, of your app',
      userName: '—',
      channel: '`chat_id`, `oc_…`',
      channelName: '—',
      groups: '—',
      tenant: '`tenant_key` of the sender',
      isReachedByOthers: true,
    },
  },
  kinds: ['chat'],
  settings: Settings,
  contentTypes: ['application/json'],
  verify: verifyFeishu,
  payload: Payload,
  normalise(payload, request, context) {
    if (payload.type === 'url_verification') {
      return { kind: 'answered', answer: { status: 200, body: { challenge: payload.challenge ?? '' } } };
    }
    const type = payload.header?.event_type;
    return type === 'im.message.receive_v1'
      ? fromMessage(payload, request, context)
      : { kind: 'ignored', because: `Feishu’s event ${type ?? '(unnamed)'} starts nothing` };
  },
  answer: () => ({ status: 200, body: {} }),
});

/** @throws FleetReflexError `body.*` for a signed body that cannot be read */
function verifyFeishu(request: SourceRequest, { secrets, now }: SourceContext<Settings>): Verification {
  const key = signingKeyOf(request, secrets);
  if (key === undefined) {
    const opened = openSetUp(request, secrets);
    return opened === undefined
      ? forged('its x-lark-signature is not made with a live Encrypt Key')
      : { isAuthentic: true, opened };
  }
  const timestamp = request.headers['x-lark-request-timestamp'];
  const unit = (timestamp?.length ?? 0) > 11 ? 'ms' : 's';
  const freshness = verifyFreshness(timestamp, now, WINDOW_MS, unit);
  return freshness.isAuthentic ? { ...freshness, opened: readFeishuBody(request, [key]) } : freshness;
}

/**
 * Feishu's URL verification request is not signed. Encrypting it needs the key, and its answer is only its own
 * challenge.
 */
function openSetUp(request: SourceRequest, secrets: readonly string[]): unknown {
  const keys = secrets.filter((key) => key !== '');
  try {
    if (!Encrypted.safeParse(request.json()).success) return undefined;
    return SetUp.safeParse(readFeishuBody(request, keys)).data;
  } catch {
    return undefined;
  }
}

function fromMessage(
  payload: unknown,
  request: SourceRequest,
  { now, settings }: SourceContext<Settings>,
): Normalisation {
  const { header, event } = checkPayload('feishu', MessageReceived, payload);
  const { sender, message } = event;
  const id = sender.sender_id?.open_id || sender.sender_id?.union_id;
  if (sender.sender_type !== 'user' || !id)
    return { kind: 'ignored', because: 'the message is not a person’s' };
  if (message.message_type !== 'text') {
    return {
      kind: 'ignored',
      because: `a message of type ${message.message_type ?? '(unnamed)'} is no text`,
    };
  }
  const said = saidToBot(message, settings);
  if (said === undefined)
    return { kind: 'ignored', because: 'the message does not begin with a mention of the bot' };
  const chat = chatEvent(
    {
      source: 'feishu',
      id: deliveryId(request.body, header.event_id),
      time: toIsoTime(message.create_time ?? header.create_time) ?? now.toISOString(),
    },
    {
      ...parseMention(settings.command, said),
      user: { id },
      channel: message.chat_id ? { id: message.chat_id } : undefined,
      ...tenancy([sender.tenant_key, header.tenant_key], [header.tenant_key]),
      raw: payload,
    },
  );
  const replyTo = { via: 'feishu', address: { channel: message.chat_id ?? '' } };
  return { kind: 'events', events: [chat], isTimeProved: true, replyTo, isAnswerHidden: true };
}

/** What follows the mention that begins a message of a group; all of a message in a single chat. */
function saidToBot(
  { content, chat_type: type, mentions }: z.infer<typeof MessageReceived>['event']['message'],
  { bot }: Settings,
): string | undefined {
  const written = Content.safeParse(parseJson(Buffer.from(content || '{}'))).data?.text.trimStart() ?? '';
  const all = (mentions ?? []).filter((mention) => mention !== null);
  const first = all.find(
    ({ key }) => written === key || (written.startsWith(key) && /^\s/.test(written.slice(key.length))),
  );
  if (first === undefined || !isBot(first, all, bot)) {
    return type === 'p2p' ? written : undefined;
  }
  return written.slice(first.key.length);
}

/** If Feishu does not say what was mentioned, a mention with a user id is a person, and an only mention is the bot. */
function isBot(mention: Mention, all: readonly Mention[], bot: string | undefined): boolean {
  const { id, name, mentioned_type: type } = mention;
  const { open_id: openId, user_id: userId } = typeof id === 'object' && id !== null ? id : { open_id: id };
  if (type === 'user' || (userId && !type)) return false;
  if (bot !== undefined) return bot === name || bot === openId;
  return Boolean(type) || all.every(({ key }) => key === mention.key);
}
