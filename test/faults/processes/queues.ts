/** The queues of a case as the event source mapping sees them, and as somebody who looks at them without taking. */
import {
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import * as z from 'zod';
import type { World } from './world.ts';

const Survey = z.array(
  z.looseObject({
    name: z.string(),
    approximateMessageCount: z.int(),
    approximateInflightCount: z.int(),
    approximateDelayedCount: z.int(),
  }),
);
const Inspected = z.looseObject({
  messages: z.looseObject({
    ready: z.array(z.looseObject({ body: z.string() })),
    delayed: z.array(z.looseObject({ delayUntil: z.number().optional() })),
    inflight: z.array(z.looseObject({ visibilityDeadline: z.number() })),
  }),
});

export interface Count {
  ready: number;
  /** Delayed, or taken and not deleted; also where their time has come, and nobody has asked for them since. */
  hidden: number;
}

/** All queues, by name. */
export async function survey({ queues }: World): Promise<ReadonlyMap<string, Count>> {
  const answer = await fetch(`${queues.url}/_fauxqs/queues`);
  return new Map(
    Survey.parse(await answer.json()).map((one) => [
      one.name,
      {
        ready: one.approximateMessageCount,
        hidden: one.approximateInflightCount + one.approximateDelayedCount,
      },
    ]),
  );
}

/** When the next of the hidden messages can be taken; Infinity where there is none. */
export async function nextAtMs(world: World, name: string): Promise<number> {
  const { delayed, inflight } = await inspect(world, name);
  return [
    ...delayed.map(({ delayUntil }) => delayUntil ?? 0),
    ...inflight.map(({ visibilityDeadline }) => visibilityDeadline),
  ].reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
}

/** The bodies of those that anybody could take now. */
export async function readyBodies(world: World, name: string): Promise<string[]> {
  return (await inspect(world, name)).ready.map(({ body }) => body);
}

async function inspect({ queues }: World, name: string) {
  const answer = await fetch(`${queues.url}/_fauxqs/queues/${name}`);
  return Inspected.parse(await answer.json()).messages;
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
