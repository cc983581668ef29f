/**
 * Amazon SNS over HTTPS: CloudWatch alarms, and any other notification as a generic event. Any AWS account can make
 * SNS sign a message, so the settings list the accepted topics.
 */
import * as z from 'zod';
import { parseJson } from '../../http/body.ts';
import type { SourceRequest } from '../../http/request.ts';
import { verifyFreshness } from '../proofs/freshness.ts';
import { genericEvent } from '../shared/build-event.ts';
import { toIsoTime } from '../shared/event-time.ts';
import {
  defineSource,
  forged,
  type Normalisation,
  type Source,
  type SourceAnswer,
  type Verification,
} from '../source.ts';
import { alarmToEvent, SnsAlarm } from './alarm.ts';
import {
  certificateKeys,
  type FetchText,
  fetchFromSns,
  isCertificateUrl,
  isSubscribeUrl,
} from './certificate.ts';
import { isSignedMessage, SnsMessage } from './message.ts';

const Settings = z.strictObject({
  topics: z
    .array(z.string().startsWith('arn:'))
    .default([])
    .describe(
      'The topics (ARNs) whose messages are accepted and whose subscriptions are confirmed. Default: none.',
    ),
  acceptsSha1: z
    .boolean()
    .default(true)
    .describe('Also accept signature version 1 (SHA-1), the default of a topic.'),
});

/** SNS sends again for up to an hour. */
const WINDOW_MS = 60 * 60_000;

/** @param fetchText how certificates are fetched and subscriptions confirmed; tests give their own */
export function defineSnsSource(fetchText: FetchText): Source {
  const keyFor = certificateKeys(fetchText);
  return defineSource({
    name: 'sns',
    title: 'Amazon SNS (CloudWatch alarms)',
    documentation: 'https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html',
    setup: `Name the topic here, then subscribe \`https://<your-endpoint>/hooks/sns\` to it (protocol HTTPS, raw
message delivery off); the subscription confirms itself.

\`\`\`yaml
sources:
  sns: { topics: ['arn:aws:sns:us-east-1:123456789012:alarms'] }
\`\`\`

There is no secret: messages are authenticated by signature, certificate host and topic. Set the topic's
attribute \`SignatureVersion\` to 2 and \`acceptsSha1: false\` here for SHA-256. A CloudWatch alarm is an alert, with
its dimensions as labels; any other notification is a generic event.`,
    facts: {
      proof: 'RSA of the message’s fields, by a certificate of Amazon’s',
      replayWindow: '1 hour',
      eventId: '`MessageId`',
    },
    kinds: ['alert', 'generic'],
    hasNoSecret: true,
    settings: Settings,
    // SNS posts JSON as text.
    contentTypes: ['text/plain', 'application/json'],
    async verify(request, { settings, now }): Promise<Verification> {
      const message = readMessage(request);
      if (message === undefined) return forged('it is not a message of SNS (raw delivery is not signed)');
      if (!settings.topics.includes(message.TopicArn)) return forged('its topic is not one of the settings');
      if (!settings.acceptsSha1 && message.SignatureVersion === '1') return forged('it is signed with SHA-1');
      if (!isCertificateUrl(message.SigningCertURL ?? '')) return forged('its certificate is not of SNS');
      if (!(await isSignedMessage(message, keyFor, now))) return forged('its signature is wrong');
      return verifyFreshness(String(Date.parse(message.Timestamp)), now, WINDOW_MS, 'ms');
    },
    parse: (request) => request.json(),
    payload: SnsMessage,
    async handshake(message): Promise<SourceAnswer | undefined> {
      if (message.Type !== 'SubscriptionConfirmation') return undefined;
      const url = message.SubscribeURL ?? '';
      if (!isSubscribeUrl(url)) return { status: 400, body: 'The SubscribeURL is not of SNS.' };
      await fetchText(url);
      return { status: 200, body: 'The subscription is confirmed.' };
    },
    normalise: normaliseMessage,
    recognises: (body) => SnsMessage.safeParse(body).success,
  });
}

export const sns = defineSnsSource(fetchFromSns);

function normaliseMessage(
  message: SnsMessage,
  _request: SourceRequest,
  { now }: { now: Date },
): Normalisation {
  if (message.Type !== 'Notification') {
    return { kind: 'ignored', because: `SNS says ${message.Type}` };
  }
  const time = toIsoTime(message.Timestamp) ?? now.toISOString();
  const content = jsonOrText(message.Message);
  const alarm = SnsAlarm.safeParse(content);
  if (!alarm.success) {
    const event = genericEvent(
      { source: 'sns', id: message.MessageId, verb: 'notification', subject: message.TopicArn, time },
      { body: content, raw: message },
    );
    return { kind: 'events', events: [event] };
  }
  const event = alarmToEvent(alarm.data, { id: message.MessageId, time, raw: message });
  return event === undefined
    ? { kind: 'ignored', because: `the alarm’s state ${alarm.data.NewStateValue} is neither ALARM nor OK` }
    : { kind: 'events', events: [event] };
}

function readMessage(request: SourceRequest): SnsMessage | undefined {
  try {
    return SnsMessage.safeParse(request.json()).data;
  } catch {
    return undefined;
  }
}

function jsonOrText(message: string): unknown {
  try {
    return parseJson(Buffer.from(message));
  } catch {
    return message;
  }
}
