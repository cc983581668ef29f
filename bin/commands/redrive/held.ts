/**
 * Messages that a pass has seen and does not move. They stay hidden until the pass is over, so that it sees each once and
 * SQS counts one receive; then they are visible again at once. Should the process be killed, SQS shows them again at the
 * end of their visibility time-out.
 */
import { ChangeMessageVisibilityBatchCommand, type Message, type SQSClient } from '@aws-sdk/client-sqs';
import { inChunks } from '../../../lib/providers/chunks.ts';
import { inTurns } from '../../../lib/providers/in-turns.ts';

/** SQS lets 120,000 messages of a queue be hidden; a handle takes about half a kilobyte. */
export const MAX_HELD = 100_000;
const BATCH = 10;
const AT_ONCE = 8;

export interface Held {
  readonly size: number;
  add(message: Message): void;
  /** Makes all of them visible. @returns how many SQS did not take: these come by themselves */
  giveBack(): Promise<number>;
}

export function holdMessages(client: SQSClient, QueueUrl: string): Held {
  let handles: string[] = [];
  return {
    get size() {
      return handles.length;
    },
    add({ ReceiptHandle }) {
      if (ReceiptHandle !== undefined) handles.push(ReceiptHandle);
    },
    async giveBack() {
      const all = handles;
      handles = [];
      const failed = await inTurns(inChunks(all, BATCH), AT_ONCE, async (batch) => {
        const Entries = batch.map((ReceiptHandle, index) => ({
          Id: String(index),
          ReceiptHandle,
          VisibilityTimeout: 0,
        }));
        const change = new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries });
        const { Failed = [] } = await client.send(change);
        return Failed.length;
      });
      return failed.reduce((sum, one) => sum + one, 0);
    },
  };
}
