/** The SQS destination: one message for each event, `type` and `subject` again as attributes for filters. */
import { GetQueueUrlCommand, QueueDoesNotExist, type SQSClient } from '@aws-sdk/client-sqs';
import { FleetReflexError } from '../errors.ts';
import type { CompletionEvent } from '../model/completion-event.ts';
import type { DestinationRef } from '../model/destination-ref.ts';
import type { ProviderEvent } from '../model/provider-event.ts';
import { groupId } from '../queues/group-id.ts';
import { messageText } from '../queues/message-text.ts';
import { type OutgoingMessage, sendMessages } from '../queues/send-messages.ts';
import type { Destination } from './destination.ts';

type AnyEvent = CompletionEvent | ProviderEvent;

/** One resolver per function instance: queue URLs are cached. */
export function sqsDestinations(client: SQSClient): (ref: DestinationRef) => Destination<AnyEvent> {
  const byQueue = new Map<string, Destination<AnyEvent>>();
  return (ref) => {
    const known = byQueue.get(ref.sqs);
    if (known !== undefined) return known;
    const destination = sqsDestination(client, ref);
    byQueue.set(ref.sqs, destination);
    return destination;
  };
}

function sqsDestination(client: SQSClient, ref: DestinationRef): Destination<AnyEvent> {
  let queueUrl: Promise<string> | undefined;
  return {
    async send(events) {
      queueUrl ??= findQueue(client, ref);
      try {
        const url = await queueUrl;
        const queue = { client, url, name: ref.sqs, what: 'Completion events' };
        await sendMessages(
          queue,
          events.map((event) => messageOf(event, url.endsWith('.fifo'))),
        );
      } catch (error) {
        // Not cached, so that a queue that is created later is found the next time.
        queueUrl = undefined;
        throw error;
      }
    },
  };
}

function messageOf(event: AnyEvent, isFifo: boolean): OutgoingMessage {
  const { id, type, subject } = event;
  return {
    body: messageText(event),
    attributes: { type, subject },
    // A FIFO queue keeps a run's events in order and drops the second copy of the same fact.
    fifo: isFifo ? { groupId: subject, deduplicationId: groupId(id) } : undefined,
  };
}

async function findQueue(client: SQSClient, ref: DestinationRef): Promise<string> {
  try {
    const { QueueUrl } = await client.send(new GetQueueUrlCommand({ QueueName: ref.sqs }));
    if (QueueUrl === undefined) throw new Error('the answer names no queue');
    return QueueUrl;
  } catch (cause) {
    if (!(cause instanceof QueueDoesNotExist)) throw cause;
    throw new FleetReflexError(
      'destination.missing',
      `The destination ${ref.name} is the SQS queue ${ref.sqs}, and there is none of that name in this account and region. Create it, or correct \`destinations\` in the rules; the event is sent again then.`,
      { disposition: 'retry', cause },
    );
  }
}
