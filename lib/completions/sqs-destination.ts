/** An SQS queue: one message for each event, `type` and `subject` again as attributes for filters. */
import { GetQueueUrlCommand, QueueDoesNotExist, type SQSClient } from '@aws-sdk/client-sqs';
import { FleetReflexError, messageOf } from '../errors.ts';
import type { CompletionEvent } from '../model/completion-event.ts';
import type { DestinationRef } from '../model/destination-ref.ts';
import type { ProviderEvent } from '../model/provider-event.ts';
import { messageText } from '../queues/message-text.ts';
import { nameInAccount } from '../queues/names.ts';
import { type OutgoingMessage, trySendMessages } from '../queues/send-messages.ts';
import type { Destination, Sender } from './destination.ts';
import { missing, unavailable } from './failure.ts';
import { fifoIds } from './fifo-ids.ts';

export type SqsRef = Extract<DestinationRef, { sqs: string }>;
type AnyEvent = CompletionEvent | ProviderEvent;

/** For events that are told once and wait on no other queue. @throws FleetReflexError what the queue did not take them for */
export function sqsDestination(client: SQSClient, ref: SqsRef, queuePrefix = ''): Destination<AnyEvent> {
  const sender = sqsSender(client, ref, queuePrefix);
  return {
    async send(events) {
      for (const outcome of await sender.send(events)) if (outcome.kind === 'failed') throw outcome.error;
    },
  };
}

/**
 * The queue's URL is cached.
 * @param queuePrefix what the names of the deployment's own queues begin with
 */
export function sqsSender(client: SQSClient, given: SqsRef, queuePrefix = ''): Sender<AnyEvent> {
  // Errors then name the queue that a person finds in the account.
  const ref = { ...given, sqs: nameInAccount(given.sqs, queuePrefix) };
  let queueUrl: Promise<string> | undefined;
  return {
    async send(events) {
      let url: string;
      try {
        queueUrl ??= findQueue(client, ref);
        url = await queueUrl;
      } catch (thrown) {
        // Not cached, so that a queue that is created later is found the next time.
        queueUrl = undefined;
        const error =
          thrown instanceof FleetReflexError
            ? thrown
            : unavailable(ref, messageOf(thrown), { cause: thrown });
        return events.map(() => ({ kind: 'failed', error }));
      }
      const queue = { client, url, name: ref.sqs, what: 'Completion events' };
      const failures = await trySendMessages(
        queue,
        events.map((event) => messageOfEvent(event, url.endsWith('.fifo'))),
      );
      // A queue that was deleted has another URL when it is created again.
      if (failures.some((failure) => failure !== undefined)) queueUrl = undefined;
      return failures.map((failure) =>
        failure === undefined
          ? { kind: 'delivered' }
          : { kind: 'failed', error: unavailable(ref, failure.message, { cause: failure }) },
      );
    },
  };
}

function messageOfEvent(event: AnyEvent, isFifo: boolean): OutgoingMessage {
  const { type, subject } = event;
  return {
    body: messageText(event),
    attributes: { type, subject },
    fifo: isFifo ? fifoIds(event) : undefined,
  };
}

async function findQueue(client: SQSClient, ref: SqsRef): Promise<string> {
  try {
    const { QueueUrl } = await client.send(new GetQueueUrlCommand({ QueueName: ref.sqs }));
    if (QueueUrl === undefined) throw new Error('the answer names no queue');
    return QueueUrl;
  } catch (cause) {
    if (!(cause instanceof QueueDoesNotExist)) throw cause;
    throw missing(ref, cause);
  }
}
