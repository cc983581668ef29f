/** The queues of a case as the event source mapping sees them, and as somebody who looks at them without taking. */
import {
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import * as z from 'zod';
import type { World } from './world.ts';

const Inspected = z.looseObject({
  messages: z.looseObject({
    ready: z.array(z.looseObject({ body: z.string() })),
    delayed: z.array(z.looseObject({ body: z.string(), delayUntil: z.number().optional() })),
    inflight: z.array(z.looseObject({ visibilityDeadline: z.number() })),
  }),
});

export interface Look {
  /** Bodies of those that anybody could take now. */
  ready: string[];
  /** Delayed, or taken and not deleted. */
  hidden: number;
  /** When the next of those can be taken; Infinity where there is none. */
  nextAtMs: number;
}

export async function lookAt({ queues }: World, name: string): Promise<Look> {
  const answer = await fetch(`${queues.url}/_fauxqs/queues/${name}`);
  const { ready, delayed, inflight } = Inspected.parse(await answer.json()).messages;
  const times = [
    ...delayed.map(({ delayUntil }) => delayUntil ?? 0),
    ...inflight.map(({ visibilityDeadline }) => visibilityDeadline),
  ];
  return {
    ready: ready.map(({ body }) => body),
    hidden: times.length,
    nextAtMs: times.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
  };
}

export async function receive(client: SQSClient, QueueUrl: string, count: number): Promise<Message[]> {
  const { Messages = [] } = await client.send(
    new ReceiveMessageCommand({
      QueueUrl,
      MaxNumberOfMessages: count,
      WaitTimeSeconds: 0,
      MessageSystemAttributeNames: ['All'],
      MessageAttributeNames: ['All'],
    }),
  );
  return Messages;
}

export async function deleteAll(
  client: SQSClient,
  QueueUrl: string,
  messages: readonly Message[],
): Promise<void> {
  if (messages.length === 0) return;
  const Entries = messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
  const { Failed = [] } = await client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
  if (Failed.length > 0) throw new Error(`the local SQS did not delete: ${JSON.stringify(Failed)}`);
}
