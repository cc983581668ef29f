/**
 * Discord: application commands and buttons of the interactions endpoint as chat commands. Discord signs with Ed25519;
 * our secret is only the application's public key.
 */
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import * as z from 'zod';
import type { SourceRequest } from '../../http/request.ts';
import { firstText } from '../../model/id-parts.ts';
import { verifyFreshness } from '../proofs/freshness.ts';
import { chatEvent } from '../shared/build-event.ts';
import { answerText, cutText } from '../shared/chat-answer.ts';
import { parseChatCommand } from '../shared/chat-command.ts';
import { discordMarkup } from '../shared/chat-markup.ts';
import { deliveryId } from '../shared/delivery-id.ts';
import { tenancy } from '../shared/tenancy.ts';
import {
  checkPayload,
  defineSource,
  forged,
  type Normalisation,
  type SourceAnswer,
  type SourceContext,
  type Verification,
} from '../source.ts';

const Settings = z.strictObject({
  command: z
    .string()
    .startsWith('/')
    .default('/fleet')
    .describe('The command whose text may be a built-in verb; other commands are only for rules.'),
  textOption: z
    .string()
    .default('text')
    .describe('The option of the command that holds what is typed: `/fleet text: run patch-web`.'),
  deferred: z
    .boolean()
    .default(false)
    .describe(
      'Answer a command that started a run with “thinking…”, which the first reply replaces, instead of the list of runs.',
    ),
});
type Settings = z.infer<typeof Settings>;

/** https://discord.com/developers/docs/interactions/receiving-and-responding, the numbers of both sides. */
const PING = 1;
const APPLICATION_COMMAND = 2;
const MESSAGE_COMPONENT = 3;
const AUTOCOMPLETE = 4;
/** Typed commands; the other types are context menus of users and messages. */
const CHAT_INPUT = 1;
const PONG = 1;
const CHANNEL_MESSAGE = 4;
const DEFERRED_CHANNEL_MESSAGE = 5;
const AUTOCOMPLETE_RESULT = 8;
const EPHEMERAL = 64;
const SUBCOMMANDS: ReadonlySet<number> = new Set([1, 2]);
const MAX_CONTENT = 2000;

interface Option {
  name: string;
  type: number;
  value?: string | number | boolean | null | undefined;
  options?: Option[] | null | undefined;
}
const Option: z.ZodType<Option> = z.lazy(() =>
  z.looseObject({
    name: z.string(),
    type: z.number(),
    value: z.union([z.string(), z.number(), z.boolean()]).nullish(),
    options: z.array(Option).nullish(),
  }),
);

const User = z.looseObject({
  id: z.string(),
  username: z.string().nullish(),
  bot: z.boolean().nullish(),
});
const Command = z.looseObject({
  id: z.string(),
  application_id: z.string().nullish(),
  token: z.string().nullish(),
  member: z.looseObject({ user: User.nullish(), roles: z.array(z.string()).nullish() }).nullish(),
  user: User.nullish(),
  guild_id: z.string().nullish(),
  /** Who installed the application, by integration type (0 guild, 1 user); the id is 0 in the bot's own messages. */
  authorizing_integration_owners: z.record(z.string(), z.union([z.string(), z.number()])).nullish(),
  context: z.number().nullish(),
  channel_id: z.string().nullish(),
  channel: z.looseObject({ name: z.string().nullish() }).nullish(),
  data: z.looseObject({
    type: z.number().nullish(),
    name: z.string().nullish(),
    custom_id: z.string().nullish(),
    options: z.array(Option).nullish(),
  }),
});
type Command = z.infer<typeof Command>;

export const discord = defineSource({
  name: 'discord',
  title: 'Discord',
  documentation: 'https://discord.com/developers/docs/interactions/overview',
  setup: `In the [developer portal](https://discord.com/developers/applications): create an application, take its
**Public Key** (*General Information*) as the secret, then set *Interactions Endpoint URL* to
\`https://<your-endpoint>/hooks/discord\`; Discord checks it at once, with a right and with a wrong signature. Register
a command \`fleet\` with one option of type STRING named \`text\`, and install the application on your server
(\`applications.commands\`).

\`/fleet text: run patch-web service=nginx\` reads as \`/fleet run patch-web service=nginx\`; sub-commands are words,
other options are \`name=value\`. The ids of the caller's roles are \`groups\` for \`allow\`. Only the caller sees the answer,
the progress and the result, for 15 minutes, the lifetime of Discord's token (\`outputs: channel\` shows them to all).`,
  facts: {
    proof: 'Ed25519 of time and body in `X-Signature-Ed25519`',
    replayWindow: '5 minutes',
    eventId: 'the interaction’s `id`',
    people: {
      user: 'user id: *Developer Mode → Copy User ID*',
      userName: 'user name',
      channel: 'channel id: *Developer Mode → Copy Channel ID*',
      channelName: 'channel’s name',
      groups: 'ids of the caller’s roles',
      tenant: 'guild id: *Developer Mode → Copy Server ID*; absent in direct messages',
      isReachedByOthers: true,
    },
  },
  kinds: ['chat'],
  settings: Settings,
  contentTypes: ['application/json'],
  verify: verifyEd25519,
  payload: z.looseObject({ type: z.number() }),
  normalise(payload, request, context) {
    switch (payload.type) {
      case PING:
        return { kind: 'answered', answer: { status: 200, body: { type: PONG } } };
      case APPLICATION_COMMAND:
      case MESSAGE_COMPONENT:
        return fromInteraction(payload.type, payload, request, context);
      case AUTOCOMPLETE:
        return {
          kind: 'answered',
          answer: { status: 200, body: { type: AUTOCOMPLETE_RESULT, data: { choices: [] } } },
        };
      default:
        return { kind: 'ignored', because: `Discord’s interaction ${payload.type} starts nothing` };
    }
  },
  answer(outcomes, { settings }): SourceAnswer {
    const isStarted = outcomes.some(({ matched }) => matched.some(({ rejected }) => rejected === undefined));
    if (settings.deferred && isStarted) {
      // Its readers also see the first reply, which replaces it and may contain the output of a command.
      return { status: 200, body: { type: DEFERRED_CHANNEL_MESSAGE, data: { flags: EPHEMERAL } } };
    }
    const content = cutText(answerText(outcomes, discordMarkup, 'caller'), MAX_CONTENT);
    const data = { content, flags: EPHEMERAL, allowed_mentions: { parse: [] } };
    return { status: 200, body: { type: CHANNEL_MESSAGE, data } };
  },
});

function verifyEd25519(request: SourceRequest, { secrets, now }: SourceContext<Settings>): Verification {
  const signature = request.headers['x-signature-ed25519'];
  const timestamp = request.headers['x-signature-timestamp'];
  // Hex decoding is lenient; Discord never sends another spelling of a signature.
  if (signature === undefined || !/^[0-9a-f]{128}$/.test(signature)) {
    return forged('its x-signature-ed25519 is not 128 hex digits');
  }
  if (timestamp === undefined) return forged('it has no x-signature-timestamp');
  const signed = Buffer.concat([Buffer.from(timestamp), request.body]);
  const keys = secrets.map(publicKeyOf).filter((key) => key !== undefined);
  if (keys.length === 0) return forged('the configured secret is no public key of 64 hex digits');
  const isSigned = keys.map((key) => verify(null, signed, key, Buffer.from(signature, 'hex'))).includes(true);
  return isSigned
    ? verifyFreshness(timestamp, now)
    : forged('its x-signature-ed25519 is not made with the application’s key');
}

/** The DER prefix of a 32-byte Ed25519 public key (RFC 8410). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

function publicKeyOf(hex: string): KeyObject | undefined {
  if (!/^[0-9a-f]{64}$/i.test(hex)) return undefined;
  const key = Buffer.concat([SPKI_PREFIX, Buffer.from(hex, 'hex')]);
  return createPublicKey({ key, format: 'der', type: 'spki' });
}

function fromInteraction(
  type: number,
  payload: unknown,
  request: SourceRequest,
  { now, settings }: SourceContext<Settings>,
): Normalisation {
  const interaction = checkPayload('discord', Command, payload);
  const { member, channel_id: channelId, channel, application_id: applicationId, token } = interaction;
  const user = member?.user ?? interaction.user;
  if (!user) return { kind: 'ignored', because: 'the interaction has no user' };
  if (user.bot === true) return { kind: 'ignored', because: 'the interaction is not a person’s' };
  const isButton = type === MESSAGE_COMPONENT;
  const commandType = interaction.data.type ?? CHAT_INPUT;
  if (!isButton && commandType !== CHAT_INPUT) {
    return { kind: 'ignored', because: `Discord’s command of type ${commandType} is not typed` };
  }
  const event = chatEvent(
    {
      source: 'discord',
      id: deliveryId(request.body, interaction.id),
      time: now.toISOString(),
      ...(isButton && { verb: 'action' }),
    },
    {
      ...(isButton ? buttonOf(interaction) : commandOf(interaction, settings)),
      user: {
        id: user.id,
        ...(user.username && { name: user.username }),
        ...(member?.roles && { groups: member.roles }),
      },
      channel: channelId ? { id: channelId, ...(channel?.name && { name: channel.name }) } : undefined,
      ...tenancyOf(interaction),
      raw: payload,
    },
  );
  const replyTo = applicationId && token ? { via: 'discord', address: { applicationId, token } } : undefined;
  return { kind: 'events', events: [event], ...(replyTo && { replyTo }) };
}

const PRIVATE_CHANNEL = 2;

/** A user who installs the application for themselves can use it in every guild and direct message. */
function tenancyOf(interaction: Command): ReturnType<typeof tenancy> {
  const { guild_id: guild, authorizing_integration_owners: owners, context } = interaction;
  const isTold = owners !== undefined && owners !== null && Object.keys(owners).length > 0;
  const installed = owners?.['0'];
  const isOurs = guild ? String(installed) === guild : installed !== undefined && context !== PRIVATE_CHANNEL;
  return { ...tenancy([guild]), ...(isTold && !isOurs && { isExternal: true }) };
}

/** A button's `custom_id` is the command and, after a space, the text. */
function buttonOf({ data }: Command) {
  const [command = '', ...rest] = (data.custom_id ?? '').split(' ');
  return parseChatCommand(command, rest.join(' '));
}

function commandOf({ data }: Command, { textOption }: Settings) {
  const words: string[] = [];
  const named: [string, string][] = [];
  let options: readonly Option[] = data.options ?? [];
  for (let depth = 0; depth < 3; depth += 1) {
    const nested = options.find(({ type }) => SUBCOMMANDS.has(type));
    if (nested === undefined) break;
    words.push(nested.name);
    options = nested.options ?? [];
  }
  for (const { name, value } of options) {
    const text = firstText(value);
    if (text === undefined) continue;
    if (name === textOption) words.push(text);
    else named.push([name, text]);
  }
  const typed = parseChatCommand(`/${data.name ?? ''}`, words.join(' '));
  return { ...typed, options: { ...typed.options, ...Object.fromEntries(named) } };
}
