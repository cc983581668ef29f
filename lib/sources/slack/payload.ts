/** The four bodies that Slack sends to a request URL, told apart by their fields, and what each means here. */
import * as z from 'zod';
import { parseJson } from '../../http/body.ts';
import type { SourceRequest } from '../../http/request.ts';
import type { ReplyTo } from '../../model/reply-to.ts';
import { present } from '../../present.ts';
import { chatEvent } from '../shared/build-event.ts';
import { parseChatCommand, parseMention } from '../shared/chat-command.ts';
import { deliveryId } from '../shared/delivery-id.ts';
import { toIsoTime } from '../shared/event-time.ts';
import { tenancy } from '../shared/tenancy.ts';
import { checkPayload, type Normalisation, type SourceContext } from '../source.ts';
import { Authorization, Mention, saidToApp, whyNotTyped } from './mention.ts';

export const SlackSettings = z.strictObject({
  command: z
    .string()
    .startsWith('/')
    .default('/fleet')
    .describe('The command that a mention of the app stands for.'),
});
export type SlackSettings = z.infer<typeof SlackSettings>;

const SlashCommand = z.looseObject({
  command: z.string(),
  text: z.string().nullish(),
  team_id: z.string().nullish(),
  user_id: z.string(),
  user_name: z.string().nullish(),
  channel_id: z.string().nullish(),
  channel_name: z.string().nullish(),
  trigger_id: z.string().nullish(),
  response_url: z.string().nullish(),
});

const Interaction = z.looseObject({
  type: z.string(),
  trigger_id: z.string().nullish(),
  response_url: z.string().nullish(),
  user: z
    .looseObject({
      id: z.string(),
      name: z.string().optional(),
      username: z.string().optional(),
      team_id: z.string().nullish(),
    })
    .optional(),
  team: z.looseObject({ id: z.string().nullish() }).nullish(),
  enterprise: z.looseObject({ id: z.string().nullish() }).nullish(),
  channel: z.looseObject({ id: z.string(), name: z.string().optional() }).nullish(),
  actions: z
    .array(
      z.looseObject({
        action_id: z.string().optional(),
        value: z.string().optional(),
        action_ts: z.string().optional(),
      }),
    )
    .optional(),
});

const EventCallback = z.looseObject({
  event_id: z.string().nullish(),
  event_time: z.number().nullish(),
  event: Mention,
  team_id: z.string().nullish(),
  context_team_id: z.string().nullish(),
  context_enterprise_id: z.string().nullish(),
  is_ext_shared_channel: z.boolean().nullish(),
  authorizations: z.array(Authorization.nullable()).nullish(),
});

/** All four at once; normalise looks inside. Nothing is required here, for each has other fields. */
export const SlackPayload = z.looseObject({
  ssl_check: z.string().optional(),
  payload: z.string().optional(),
  type: z.string().optional(),
  challenge: z.string().optional(),
});
export type SlackPayload = z.infer<typeof SlackPayload>;

export function normaliseSlack(
  payload: SlackPayload,
  request: SourceRequest,
  context: SourceContext<SlackSettings>,
): Normalisation {
  // First, for it is the one body that may be unsigned.
  if (payload.ssl_check !== undefined) return { kind: 'answered', answer: { status: 200, body: '' } };
  if (payload.type === 'url_verification') {
    return { kind: 'answered', answer: { status: 200, body: { challenge: payload.challenge ?? '' } } };
  }
  if (payload.type === 'event_callback') return fromEvent(payload, request, context);
  if (payload.payload !== undefined) {
    return fromInteraction(parseJson(Buffer.from(payload.payload)), request, context);
  }
  return fromSlashCommand(payload, request, context);
}

function fromSlashCommand(
  payload: unknown,
  request: SourceRequest,
  { now }: SourceContext<SlackSettings>,
): Normalisation {
  const slash = checkPayload('slack', SlashCommand, payload);
  const event = chatEvent(
    { source: 'slack', id: deliveryId(request.body, slash.trigger_id), time: sentAt(request, now) },
    {
      ...parseChatCommand(slash.command, unescapeText(slash.text ?? '')),
      user: named(slash.user_id, slash.user_name),
      channel: slash.channel_id ? named(slash.channel_id, slash.channel_name) : undefined,
      ...tenancy([slash.team_id]),
      raw: payload,
    },
  );
  return withReply(event, slash.response_url);
}

/** A button's `action_id` is the command, its value the text. */
function fromInteraction(
  payload: unknown,
  request: SourceRequest,
  { now }: SourceContext<SlackSettings>,
): Normalisation {
  const interaction = checkPayload('slack', Interaction, payload);
  const [action] = interaction.actions ?? [];
  if (interaction.type !== 'block_actions' || action === undefined || interaction.user === undefined) {
    return { kind: 'ignored', because: `Slack’s interaction ${interaction.type} starts nothing` };
  }
  const { user, channel, team, enterprise } = interaction;
  const event = chatEvent(
    {
      source: 'slack',
      verb: 'action',
      id: deliveryId(request.body, interaction.trigger_id),
      time: toIsoTime(action.action_ts) ?? sentAt(request, now),
    },
    {
      ...parseChatCommand(action.action_id ?? '', action.value ?? ''),
      user: named(user.id, user.name ?? user.username),
      channel: channel ? named(channel.id, channel.name) : undefined,
      ...tenancy([user.team_id, team?.id], [team?.id, enterprise?.id]),
      raw: payload,
    },
  );
  return withReply(event, interaction.response_url);
}

function fromEvent(
  payload: unknown,
  request: SourceRequest,
  { now, settings }: SourceContext<SlackSettings>,
): Normalisation {
  const callback = checkPayload('slack', EventCallback, payload);
  const { event, event_id: id, event_time: time, authorizations } = callback;
  const notTyped = whyNotTyped(event);
  if (notTyped !== undefined || !event.user)
    return { kind: 'ignored', because: notTyped ?? 'the message has no user' };
  const said = saidToApp(
    event.text ?? '',
    (authorizations ?? []).filter((it) => it !== null),
  );
  if (said === undefined) {
    return { kind: 'ignored', because: 'the message does not begin with a mention of the app' };
  }
  const chat = chatEvent(
    { source: 'slack', id: deliveryId(request.body, id), time: toIsoTime(time) ?? now.toISOString() },
    {
      ...parseMention(settings.command, unescapeText(said)),
      user: { id: event.user },
      channel: event.channel ? { id: event.channel } : undefined,
      ...tenancyOf(callback),
      raw: payload,
    },
  );
  if (!event.channel) return { kind: 'events', events: [chat], isTimeProved: true };
  // Slack discards the response to an event, and gives no response_url: answer and progress go below the mention.
  const thread = event.thread_ts ?? event.ts;
  const address = { channel: event.channel, ...(thread && { thread }), user: event.user };
  const replyTo = { via: 'slack', address };
  return { kind: 'events', events: [chat], isTimeProved: true, replyTo, isAnswerHidden: true };
}

/** In a shared channel `team_id` may be the app's workspace or the person's: only the event names the person's. */
function tenancyOf(callback: z.infer<typeof EventCallback>): ReturnType<typeof tenancy> {
  const { event, team_id: team, authorizations } = callback;
  const person = [event.user_profile?.team, event.user_team, event.source_team, event.team];
  const isTold = person.some((it) => it);
  // There is no evidence that the person is one of ours.
  if (!isTold && callback.is_ext_shared_channel === true) return { isExternal: true };
  const installed = (authorizations ?? []).flatMap((it) => [it?.team_id, it?.enterprise_id]);
  const home = [callback.context_team_id, callback.context_enterprise_id, ...installed];
  return tenancy(isTold ? person : [team], home.some((it) => it) ? home : [team]);
}

function withReply(
  event: ReturnType<typeof chatEvent>,
  responseUrl: string | null | undefined,
): Normalisation {
  // Where a reply may go is decided where it is sent (lib/sources/<name>/reply.ts): to Slack itself, whatever came.
  if (!responseUrl) return { kind: 'events', events: [event], isTimeProved: true };
  const replyTo: ReplyTo = { via: 'slack', address: { responseUrl } };
  return { kind: 'events', events: [event], isTimeProved: true, replyTo };
}

function named(id: string, name: string | null | undefined): { id: string; name?: string } {
  return present({ id, name: name || undefined });
}

/** Slack escapes these three, and only these. */
function unescapeText(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}

function sentAt(request: SourceRequest, now: Date): string {
  return toIsoTime(request.headers['x-slack-request-timestamp']) ?? now.toISOString();
}
