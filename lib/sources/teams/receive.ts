/**
 * Microsoft Teams: mentions of an outgoing webhook as chat commands. The response is the only answer; later messages use
 * an incoming web hook (lib/sources/teams/reply.ts).
 */
import * as z from 'zod';
import { joinedId } from '../../model/id-parts.ts';
import { verifyHmac } from '../proofs/hmac.ts';
import { chatEvent } from '../shared/build-event.ts';
import { answerText, cutText } from '../shared/chat-answer.ts';
import { parseMention } from '../shared/chat-command.ts';
import { teamsAnswerMarkup } from '../shared/chat-markup.ts';
import { deliveryId } from '../shared/delivery-id.ts';
import { toIsoTime } from '../shared/event-time.ts';
import { tenancy } from '../shared/tenancy.ts';
import { defineSource } from '../source.ts';
import { Entity, isBotId, saidToHook } from './mention.ts';

const Settings = z.strictObject({
  command: z.string().startsWith('/').default('/fleet').describe('The command that a mention stands for.'),
  bot: z
    .string()
    .optional()
    .describe(
      'The web hook’s name in mentions. Required for commands that also mention others, because Teams does not say which mention is the web hook’s. Default: the only mention.',
    ),
});

const text = z.string().nullish();
const Activity = z.looseObject({
  type: text,
  id: text,
  timestamp: text,
  text,
  from: z.looseObject({ id: z.string(), name: text, aadObjectId: text, role: text }).nullish(),
  recipient: z.looseObject({ id: text, name: text }).nullish(),
  entities: z.array(Entity.nullable()).nullish(),
  conversation: z.looseObject({ id: text, tenantId: text }).nullish(),
  channelData: z
    .looseObject({
      channel: z.looseObject({ id: text, name: text }).nullish(),
      teamsChannelId: text,
      eventType: text,
      tenant: z.looseObject({ id: text }).nullish(),
    })
    .nullish(),
});
type Activity = z.infer<typeof Activity>;

/** A message has at most 28 KB. */
const MAX_TEXT = 8000;

export const teams = defineSource({
  name: 'teams',
  title: 'Microsoft Teams',
  documentation:
    'https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/add-outgoing-webhook',
  setup: `In the team: *Manage team → Apps → Create an outgoing webhook*, callback URL
\`https://<your-endpoint>/hooks/teams\`. The secret is the **security token** that Teams shows once (base64, unchanged).
It cannot be changed: to rotate, create a second webhook, and delete the first.

\`@<name of the webhook> run patch-web\` in a public channel of the team reads as \`/fleet run patch-web\`. People are
identified by the id of their directory object (\`aadObjectId\`). Teams shows only the immediate answer: progress and
result need an incoming webhook ([chat-ops.md](chat-ops.md)).`,
  facts: {
    proof: 'HMAC-SHA256 of the body in `Authorization: HMAC …`',
    replayWindow: 'none',
    eventId: 'conversation and id of the activity',
    people: {
      user: '`aadObjectId`, the object id in Entra; without it the id of the account in Teams',
      userName: 'display name',
      channel: 'channel id, `19:…`, as in the channel’s link',
      channelName: 'channel’s name',
      groups: '—',
      tenant: 'tenant id of the directory: *Entra → Overview*',
      isReachedByOthers: true,
    },
  },
  kinds: ['chat'],
  settings: Settings,
  contentTypes: ['application/json'],
  verify: (request, { secrets }) =>
    verifyHmac(request, {
      header: 'authorization',
      prefix: 'HMAC ',
      encoding: 'base64',
      keys: secrets.map((secret) => Buffer.from(secret, 'base64')),
    }),
  payload: Activity,
  normalise(payload, request, { now, settings }) {
    const { from, conversation } = payload;
    if (payload.type !== 'message' || !from) {
      return { kind: 'ignored', because: `Teams’ activity ${payload.type ?? '(unnamed)'} starts nothing` };
    }
    if (from.role === 'bot' || isBotId(from.id)) {
      return { kind: 'ignored', because: 'the message is not a person’s' };
    }
    if (payload.channelData?.eventType === 'editMessage') {
      return { kind: 'ignored', because: 'the message was edited: what it said before is not said again' };
    }
    const said = saidToHook({
      text: payload.text ?? '',
      recipient: payload.recipient ?? undefined,
      entities: (payload.entities ?? []).filter((it) => it !== null),
      bot: settings.bot,
    });
    if (said === undefined) {
      return {
        kind: 'ignored',
        because:
          'the message does not begin with a mention of the web hook; where it mentions others too, the setting `bot` tells which is the web hook’s',
      };
    }
    const channel = channelOf(payload);
    const tenantId = payload.channelData?.tenant?.id;
    const id = payload.id ? joinedId([conversation?.id, payload.id]) : undefined;
    const event = chatEvent(
      {
        source: 'teams',
        id: deliveryId(request.body, id),
        time: toIsoTime(payload.timestamp) ?? now.toISOString(),
      },
      {
        ...parseMention(settings.command, said),
        user: { id: from.aadObjectId || from.id, ...(from.name && { name: from.name }) },
        channel,
        ...tenancy([conversation?.tenantId, tenantId], [tenantId]),
        raw: payload,
      },
    );
    const replyTo = { via: 'teams', address: { channel: channel?.id ?? '' } };
    return { kind: 'events', events: [event], isTimeProved: true, replyTo };
  },
  answer(outcomes) {
    const said = answerText(outcomes, teamsAnswerMarkup, 'channel').replaceAll('\n', '\n\n');
    return { status: 200, body: { type: 'message', text: cutText(said, MAX_TEXT) } };
  },
});

function channelOf({ channelData, conversation }: Activity): { id: string; name?: string } | undefined {
  // A conversation's id goes on with the message that began the thread.
  const id = channelData?.channel?.id || channelData?.teamsChannelId || conversation?.id?.split(';', 1)[0];
  const name = channelData?.channel?.name;
  return id ? { id, ...(name && { name }) } : undefined;
}
