/** The JSON that SNS posts, and the text that it signs. */
import { verify as verifySignature } from 'node:crypto';
import * as z from 'zod';
import type { KeyFor } from './certificate.ts';

export const SnsMessage = z.looseObject({
  Type: z.enum(['Notification', 'SubscriptionConfirmation', 'UnsubscribeConfirmation']),
  MessageId: z.string().min(1),
  TopicArn: z.string(),
  Message: z.string(),
  Timestamp: z.string(),
  Subject: z.string().nullish(),
  Token: z.string().optional(),
  SubscribeURL: z.string().optional(),
  SignatureVersion: z.string().optional(),
  Signature: z.string().optional(),
  SigningCertURL: z.string().optional(),
});
export type SnsMessage = z.infer<typeof SnsMessage>;

/** In byte order. For UnsubscribeConfirmation Amazon's own validator omits the token; the documentation includes it. */
const SIGNED_NOTIFICATION = ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'] as const;
const SIGNED_CONFIRMATION = [
  'Message',
  'MessageId',
  'SubscribeURL',
  'Timestamp',
  'Token',
  'TopicArn',
  'Type',
] as const;

export function stringToSign(message: SnsMessage): string {
  const keys = message.Type === 'Notification' ? SIGNED_NOTIFICATION : SIGNED_CONFIRMATION;
  return keys
    .filter((key) => message[key] !== undefined && message[key] !== null)
    .map((key) => `${key}\n${message[key]}\n`)
    .join('');
}

/** Version 1 is SHA-1 (the default of a topic), version 2 SHA-256, both RSA; only canonical base64. */
export async function isSignedMessage(message: SnsMessage, keyFor: KeyFor, now: Date): Promise<boolean> {
  const { SignatureVersion: version, Signature: signature = '', SigningCertURL: url = '' } = message;
  const bytes = Buffer.from(signature, 'base64');
  if (bytes.length === 0 || bytes.toString('base64') !== signature) return false;
  if (version !== '1' && version !== '2') return false;
  const key = await keyFor(url, now);
  return verifySignature(version === '1' ? 'sha1' : 'sha256', Buffer.from(stringToSign(message)), key, bytes);
}
