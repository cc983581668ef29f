/** An SNS topic: one message for each event, `type` and `subject` again as attributes for filter policies. */
import { NotFoundException, PublishBatchCommand, type SNSClient } from '@aws-sdk/client-sns';
import type { CompletionEvent } from '../model/completion-event.ts';
import type { DestinationRef } from '../model/destination-ref.ts';
import { inBatches } from '../queues/in-batches.ts';
import { messageText } from '../queues/message-text.ts';
import type { Delivery, Sender } from './destination.ts';
import { awsFailure, entryFailure, missing } from './failure.ts';
import { fifoIds } from './fifo-ids.ts';

type SnsRef = Extract<DestinationRef, { sns: string }>;

/** https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html: 256 KiB together, attributes included */
const LIMITS = { entries: 10, bytes: 256 * 1024 };
/** Names, types and values of the two attributes. */
const ATTRIBUTES_BYTES = 512;
const REMEDY =
  'Check that the role of `deliver` may `sns:Publish` there, and its key, if the topic is encrypted with one of yours.';

/** @param arnPrefix of topics in this account and region, without the name */
export function snsSender(client: SNSClient, ref: SnsRef, arnPrefix: string): Sender {
  const TopicArn = `${arnPrefix}${ref.sns}`;
  return {
    async send(events) {
      const size = (event: CompletionEvent) => Buffer.byteLength(messageText(event)) + ATTRIBUTES_BYTES;
      const batches = inBatches(events, size, LIMITS);
      return (await Promise.all(batches.map((batch) => publishBatch(batch)))).flat();
    },
  };

  async function publishBatch(events: readonly CompletionEvent[]): Promise<Delivery[]> {
    const entries = events.map((event, index) => entryOf(event, String(index), ref.sns.endsWith('.fifo')));
    try {
      const { Successful = [], Failed = [] } = await client.send(
        new PublishBatchCommand({ TopicArn, PublishBatchRequestEntries: entries }),
      );
      return entries.map(({ Id }) => {
        if (Successful.some((one) => one.Id === Id)) return { kind: 'delivered' };
        const { Code, Message } = Failed.find((one) => one.Id === Id) ?? {};
        return { kind: 'failed', error: entryFailure(ref, Code, Message, REMEDY) };
      });
    } catch (thrown) {
      const error =
        thrown instanceof NotFoundException ? missing(ref, thrown) : awsFailure(ref, thrown, REMEDY);
      return events.map(() => ({ kind: 'failed', error }));
    }
  }
}

function entryOf(event: CompletionEvent, Id: string, isFifo: boolean) {
  const { type, subject } = event;
  const { groupId, deduplicationId } = fifoIds(event);
  return {
    Id,
    Message: messageText(event),
    MessageAttributes: {
      type: { DataType: 'String', StringValue: type },
      subject: { DataType: 'String', StringValue: subject },
    },
    ...(isFifo && { MessageGroupId: groupId, MessageDeduplicationId: deduplicationId }),
  };
}
