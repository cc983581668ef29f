/**
 * DingTalk: messages to a robot as chat commands. DingTalk signs the time and not the body: with one captured request
 * an attacker can send other bodies while the signature is fresh. The signature protects no more than a bearer token.
 */
import * as z from 'zod';
import type { SourceRequest } from '../../http/request.ts';
import { verifyFreshness } from '../proofs/freshness.ts';
import { verifyHmac } from '../proofs/hmac.ts';
import { chatEvent } from '../shared/build-event.ts';
import { answerText, cutText } from '../shared/chat-answer.ts';
import { parseMention } from '../shared/chat-command.ts';
import { plainMarkup } from '../shared/chat-markup.ts';
import { deliveryId } from '../shared/delivery-id.ts';
import { toIsoTime } from '../shared/event-time.ts';
import { tenancy } from '../shared/tenancy.ts';
import { defineSource, forged, type SourceContext, type Verification } from '../source.ts';

const Settings = z.strictObject({
  command: z
    .string()
    .startsWith('/')
    .default('/fleet')
    .describe('The command that a message to the robot stands for.'),
});
type Settings = z.infer<typeof Settings>;

const text = z.string().nullish();
const Message = z.looseObject({
  conversationType: text,
  chatbotUserId: text,
  isInAtList: z.boolean().nullish(),
  atUsers: z.array(z.looseObject({ dingtalkId: text }).nullable()).nullish(),
  msgtype: text,
  msgId: text,
  createAt: z.union([z.string(), z.number()]).nullish(),
  text: z.looseObject({ content: text }).nullish(),
  senderStaffId: text,
  senderId: text,
  senderNick: text,
  senderCorpId: text,
  chatbotCorpId: text,
  conversationId: text,
  conversationTitle: text,
});

/** What DingTalk allows (its page on receiving messages). */
const WINDOW_MS = 60 * 60_000;
const MAX_TEXT = 4000;

export const dingtalk = defineSource({
  name: 'dingtalk',
  title: 'DingTalk',
  documentation: 'https://open.dingtalk.com/document/isvapp/receive-message',
  setup: `In the [developer console](https://open-dev.dingtalk.com): an internal app with a **robot** in HTTP mode,
message URL \`https://<your-endpoint>/hooks/dingtalk\`. The secret is the app's **AppSecret** (Client Secret).

\`@<robot> run patch-web\` in a group, or the same without a mention in a single chat, reads as \`/fleet run
patch-web\`. People are identified by \`senderStaffId\`, which DingTalk sends only for members of your own organisation.
**DingTalk signs the time and not the body**: with one captured request an attacker can send any command for five minutes,
and get answers for an hour. Do not let proxies log its headers, and keep \`allow\` narrow. Progress and result need a group
robot's web hook ([chat-ops.md](chat-ops.md)); the \`sessionWebhook\` of a message is never used, because the body is not
signed.`,
  facts: {
    proof: 'HMAC-SHA256 of the time in `sign`; the body is not signed',
    replayWindow: '1 hour',
    eventId: '`msgId`',
    people: {
      user: '`senderStaffId`, the user id of the contacts; of outsiders `senderId`',
      userName: 'nick, which people choose',
      channel: '`conversationId`, `cid…`',
      channelName: 'title of the group',
      groups: '—',
      tenant: '`senderCorpId`; absent for outsiders',
      isReachedByOthers: true,
    },
  },
  kinds: ['chat'],
  settings: Settings,
  contentTypes: ['application/json'],
  verify: verifySign,
  payload: Message,
  normalise(payload, request, { now, settings }) {
    const user = payload.senderStaffId || payload.senderId;
    if (payload.msgtype !== 'text' || !user) {
      return {
        kind: 'ignored',
        because: `DingTalk’s message ${payload.msgtype ?? '(unnamed)'} starts nothing`,
      };
    }
    const talk = whyTalk(payload);
    if (talk !== undefined) return { kind: 'ignored', because: talk };
    const channel = payload.conversationId;
    const event = chatEvent(
      {
        source: 'dingtalk',
        id: deliveryId(request.body, payload.msgId),
        // Only this time is signed; the message's own is not.
        time:
          toIsoTime(Number(request.headers['timestamp'])) ?? toIsoTime(payload.createAt) ?? now.toISOString(),
      },
      {
        // DingTalk has already removed the robot's mention; of other mentions only the space remains.
        ...parseMention(settings.command, payload.text?.content ?? ''),
        user: { id: user, ...(payload.senderNick && { name: payload.senderNick }) },
        channel: channel
          ? { id: channel, ...(payload.conversationTitle && { name: payload.conversationTitle }) }
          : undefined,
        ...tenancyOf(payload),
        raw: payload,
      },
    );
    const replyTo = { via: 'dingtalk', address: { channel: channel ?? '' } };
    return { kind: 'events', events: [event], isTimeProved: true, replyTo };
  },
  answer(outcomes) {
    if (outcomes.length === 0) return { status: 200, body: { msgtype: 'empty' } };
    const content = cutText(answerText(outcomes, plainMarkup, 'channel'), MAX_TEXT);
    return { status: 200, body: { msgtype: 'text', text: { content } } };
  },
});

/** For outsiders DingTalk sends neither the company nor the user id there. */
function tenancyOf(message: z.infer<typeof Message>): ReturnType<typeof tenancy> {
  const { senderCorpId: company, chatbotCorpId: own, senderStaffId: staffId } = message;
  return { ...tenancy([company], [own]), ...(!company && !staffId && { isExternal: true }) };
}

const SINGLE_CHAT = '1';

/**
 * DingTalk removes every mention from the text, but not the space after it: a text that begins with a space began with
 * a mention. It was the robot's if no other user is mentioned.
 */
function whyTalk(message: z.infer<typeof Message>): string | undefined {
  if (message.conversationType === SINGLE_CHAT) return undefined;
  if (message.isInAtList === false) return 'the message does not mention the robot';
  const robot = message.chatbotUserId;
  const mentioned = new Set((message.atUsers ?? []).flatMap((at) => at?.dingtalkId || []));
  // The robot's id may be missing: then the only mentioned user is the robot.
  if (robot) mentioned.delete(robot);
  if (mentioned.size > (robot ? 0 : 1))
    return 'the message mentions others too, and DingTalk does not tell whom first';
  return /^\s/.test(message.text?.content ?? '')
    ? undefined
    : 'the message does not begin with a mention of the robot';
}

function verifySign(request: SourceRequest, { secrets, now }: SourceContext<Settings>): Verification {
  const timestamp = request.headers['timestamp'];
  if (timestamp === undefined) return forged('it has no timestamp header');
  // The signed text contains the secret, so each secret needs its own text.
  const verdicts = secrets.map((secret) =>
    verifyHmac(request, {
      header: 'sign',
      encoding: 'base64',
      signed: [`${timestamp}\n${secret}`],
      keys: [secret],
    }),
  );
  const isSigned = verdicts.some(({ isAuthentic }) => isAuthentic);
  return isSigned
    ? verifyFreshness(timestamp, now, WINDOW_MS, 'ms')
    : (verdicts[0] ?? forged('there is no live secret'));
}
