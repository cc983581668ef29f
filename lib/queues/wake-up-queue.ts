/**
 * The `wake-up` queue: makes the poller look before its next minute, at a given time, or because a provider reported a
 * changed invocation. A lost wake-up delays a look by at most a minute.
 */
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import * as z from 'zod';
import { FleetReflexError, messageOf } from '../errors.ts';
import { InvocationNews } from '../model/invocation-news.ts';
import { messageText } from './message-text.ts';

export const WakeUp = z.strictObject({
  version: z.literal(1),
  /** ISO 8601. */
  at: z.iso.datetime(),
  news: z.array(InvocationNews).optional(),
});
export type WakeUp = z.infer<typeof WakeUp>;

/** The most that SQS delays a message; the poller's minute is shorter anyway. */
const MAX_DELAY_SECONDS = 900;

/** A wake-up comes so long after it was asked for, so that one is enough for all that this process stores until then. */
const GATHER_MS = 1_000;

/** Both throw FleetReflexError `queue.unavailable` (retry). */
export interface WakeUpQueue {
  /**
   * Wakes the poller at that time, to the second, and never within the next one. Nothing is sent where a wake-up of this
   * process comes by then: it finds what is stored already.
   */
  wake(at: Date): Promise<void>;
  /** Sends one for that time, whatever else comes before: for who takes over from a poller that died. */
  standIn(at: Date): Promise<void>;
  /** Wakes it now, with news. Durable when it resolves. */
  tell(news: readonly InvocationNews[]): Promise<void>;
}

export function wakeUpQueue(client: SQSClient, queueUrl: string, now: () => Date): WakeUpQueue {
  const send = async (wakeUp: WakeUp, delayMs: number): Promise<void> => {
    const DelaySeconds = Math.min(MAX_DELAY_SECONDS, Math.max(0, Math.ceil(delayMs / 1000)));
    try {
      await client.send(
        new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: messageText(wakeUp), DelaySeconds }),
      );
    } catch (cause) {
      throw new FleetReflexError(
        'queue.unavailable',
        `The poller could not be woken (${messageOf(cause)}); its next minute finds the same.`,
        { disposition: 'retry', cause },
      );
    }
  };
  /** The wake-up of this process that comes first. */
  let next: { atMs: number; sent: Promise<void> } | undefined;
  return {
    async wake(at) {
      const nowMs = now().getTime();
      const atMs = Math.max(at.getTime(), nowMs + GATHER_MS);
      if (next === undefined || next.atMs < nowMs || next.atMs > atMs) {
        const own = { atMs, sent: send({ version: 1, at: new Date(atMs).toISOString() }, atMs - nowMs) };
        next = own;
        // What was not sent is not relied on.
        own.sent.catch(() => {
          if (next === own) next = undefined;
        });
      }
      await next.sent;
    },
    standIn: (at) => send({ version: 1, at: at.toISOString() }, at.getTime() - now().getTime()),
    tell: (news) => send({ version: 1, at: now().toISOString(), news: [...news] }, 0),
  };
}
