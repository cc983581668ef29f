/**
 * WeCom (WeChat Work): messages to an app as chat commands. Everything is encrypted and signed with what the app's
 * page shows, the answer too.
 */
import * as z from 'zod';
import { FleetReflexError } from '../../errors.ts';
import { decodeUtf8 } from '../../http/body.ts';
import type { SourceRequest } from '../../http/request.ts';
import type { DoorOutcome } from '../../model/decision.ts';
import { verifyFreshness } from '../proofs/freshness.ts';
import { chatEvent } from '../shared/build-event.ts';
import { answerText, cutText } from '../shared/chat-answer.ts';
import { parseMention } from '../shared/chat-command.ts';
import { plainMarkup } from '../shared/chat-markup.ts';
import { deliveryId } from '../shared/delivery-id.ts';
import { toIsoTime } from '../shared/event-time.ts';
import { tenancy } from '../shared/tenancy.ts';
import { defineSource, forged, type SourceAnswer, type SourceContext, type Verification } from '../source.ts';
import {
  openWecom,
  parseWecomSecret,
  sealingSecretOf,
  sealWecom,
  signWecom,
  type WecomEnvelope,
  type WecomSecret,
} from './crypto.ts';
import { cdata, parseWecomXml } from './xml.ts';

const Settings = z.strictObject({
  command: z.string().startsWith('/').default('/fleet').describe('The command that a message stands for.'),
});
type Settings = z.infer<typeof Settings>;

const text = z.string().nullish();
const Message = z.looseObject({
  /** Ours, of the request that WeCom makes when the URL is set. */
  echostr: text,
  ToUserName: text,
  FromUserName: text,
  CreateTime: text,
  MsgType: text,
  MsgId: text,
  AgentID: text,
  Content: text,
});

/** A text message has at most 2,048 bytes; a character of ours at most three. */
const MAX_TEXT = 680;

export const wecom = defineSource({
  name: 'wecom',
  title: 'WeCom (WeChat Work)',
  documentation: 'https://developer.work.weixin.qq.com/document/path/90238',
  setup: `In the [admin console](https://work.weixin.qq.com/wework_admin/frame): *Apps → your app → Receive messages → Set
API*, URL \`https://<your-endpoint>/hooks/wecom\`. Take the **Token** and the **EncodingAESKey** of that page, and the
company's CorpID; the secret is \`<Token>:<EncodingAESKey>:<CorpID>\` (without \`:<CorpID>\` a message for another
receiver with the same key is accepted). Save the page after the secret is set: WeCom checks the URL at once.

A message to the app is a command: \`run patch-web\` is \`/fleet run patch-web\`. People are identified by their
\`UserID\`. The answer comes as the app's message; progress and result need a group robot's web hook
([chat-ops.md](chat-ops.md)).`,
  facts: {
    proof: 'SHA-1 of Token, time, nonce and encrypted message in `msg_signature`',
    replayWindow: '5 minutes',
    eventId: '`MsgId`',
    people: {
      user: '`UserID` of the contacts',
      userName: '—',
      channel: '`AgentID` of the app',
      channelName: '—',
      groups: '—',
      tenant: 'CorpID',
    },
  },
  kinds: ['chat'],
  settings: Settings,
  methods: ['GET', 'POST'],
  contentTypes: [],
  verify: verifyWecom,
  payload: Message,
  normalise(payload, request, { now, settings }) {
    if (payload.echostr != null) {
      return { kind: 'answered', answer: { status: 200, body: payload.echostr } };
    }
    const { MsgType: type, FromUserName: user } = payload;
    if (type !== 'text' || !user) {
      return { kind: 'ignored', because: `WeCom’s message of type ${type ?? '(unnamed)'} starts nothing` };
    }
    const channel = payload.AgentID ?? '';
    const event = chatEvent(
      {
        source: 'wecom',
        id: deliveryId(request.body, payload.MsgId),
        time: toIsoTime(payload.CreateTime) ?? now.toISOString(),
      },
      {
        ...parseMention(settings.command, payload.Content ?? ''),
        user: { id: user },
        channel: channel === '' ? undefined : { id: channel },
        ...tenancy([payload.ToUserName]),
        raw: payload,
      },
    );
    const replyTo = { via: 'wecom', address: { channel } };
    return { kind: 'events', events: [event], isTimeProved: true, replyTo };
  },
  answer: answerInWecom,
});

interface Sealed extends WecomEnvelope {
  /** The unsigned envelope of the encrypted text. */
  around: Readonly<Record<string, string>>;
}

/** @throws FleetReflexError `body.xml` */
function sealedOf({ query, method, body }: SourceRequest): Sealed {
  const signed = {
    signature: query.get('msg_signature') ?? undefined,
    timestamp: query.get('timestamp') ?? '',
    nonce: query.get('nonce') ?? '',
  };
  if (method === 'GET') return { ...signed, encrypted: query.get('echostr') ?? '', around: {} };
  const { Encrypt: encrypted = '', ...around } = parseWecomXml(decodeUtf8(body));
  return { ...signed, encrypted, around };
}

function secretsOf({ secrets }: SourceContext<Settings>): WecomSecret[] {
  return secrets.map(parseWecomSecret).filter((secret) => secret !== undefined);
}

/** @throws FleetReflexError `body.encrypted`, `body.receiver`, `body.encoding`, `body.xml` for what is signed and cannot be read */
function verifyWecom(request: SourceRequest, context: SourceContext<Settings>): Verification {
  const secrets = secretsOf(context);
  if (secrets.length === 0) return forged('no configured secret is <Token>:<EncodingAESKey>');
  let sealed: Sealed;
  try {
    sealed = sealedOf(request);
  } catch {
    return forged('its body is not the XML that holds what is signed');
  }
  const secret = sealingSecretOf(sealed, secrets);
  if (secret === undefined) return forged('its msg_signature is not made with a live Token');
  const message = openMessage(request, sealed, secret);
  // The signature covers only the encrypted text: the fields that the envelope repeats must agree with it.
  const inner = message.kind === 'read' ? message.fields : {};
  if (!Object.entries(sealed.around).every(([name, value]) => value === (inner[name] ?? value)))
    return forged('what stands around the signed text says something else');
  const freshness = verifyFreshness(sealed.timestamp, context.now);
  if (!freshness.isAuthentic) return freshness;
  if (message.kind === 'unreadable') throw message.why;
  return { ...freshness, opened: message.fields };
}

type OpenedMessage =
  | { kind: 'read'; fields: Readonly<Record<string, string>> }
  | { kind: 'unreadable'; why: FleetReflexError };

function openMessage({ method }: SourceRequest, { encrypted }: Sealed, secret: WecomSecret): OpenedMessage {
  const opened = openWecom(encrypted, secret);
  if (opened === undefined) {
    return unreadable(
      'body.encrypted',
      'The message could not be decrypted with the EncodingAESKey that stands beside its Token. Correct the secret.',
    );
  }
  if (secret.receiveId !== undefined && secret.receiveId !== opened.receiveId) {
    return unreadable(
      'body.receiver',
      'The message is for another company than the one in the secret. Correct the secret, or the app that sends it.',
    );
  }
  try {
    const text = decodeUtf8(opened.message);
    return { kind: 'read', fields: method === 'GET' ? { echostr: text } : parseWecomXml(text) };
  } catch (thrown) {
    if (!(thrown instanceof FleetReflexError)) throw thrown;
    return { kind: 'unreadable', why: thrown };
  }
}

function unreadable(code: string, message: string): OpenedMessage {
  return { kind: 'unreadable', why: new FleetReflexError(code, message) };
}

/** https://developer.work.weixin.qq.com/document/path/90241: the answer, sealed as the message was. */
function answerInWecom(outcomes: readonly DoorOutcome[], context: SourceContext<Settings>): SourceAnswer {
  const [first] = outcomes;
  const [secret] = secretsOf(context);
  const message = Message.safeParse(first?.event.kind === 'chat' ? first.event.data.raw : undefined).data;
  if (secret === undefined || !message?.FromUserName || !message.ToUserName) return { status: 200, body: '' };
  const seconds = String(Math.floor(context.now.getTime() / 1000));
  const content = cutText(answerText(outcomes, plainMarkup, 'caller'), MAX_TEXT);
  const reply = `<xml><ToUserName>${cdata(message.FromUserName)}</ToUserName><FromUserName>${cdata(message.ToUserName)}</FromUserName><CreateTime>${seconds}</CreateTime><MsgType><![CDATA[text]]></MsgType><Content>${cdata(content)}</Content></xml>`;
  const encrypted = sealWecom(reply, secret.receiveId ?? message.ToUserName, secret);
  const signature = signWecom(secret.token, seconds, seconds, encrypted);
  const body = `<xml><Encrypt>${cdata(encrypted)}</Encrypt><MsgSignature>${cdata(signature)}</MsgSignature><TimeStamp>${seconds}</TimeStamp><Nonce>${cdata(seconds)}</Nonce></xml>`;
  return { status: 200, headers: { 'content-type': 'application/xml; charset=utf-8' }, body };
}
