/** The local event source mapping does with messages what Lambda's does. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import * as z from 'zod';
import { type EventSource, startEventSource } from '../../local/stack/event-source.ts';
import { type LocalQueues, startQueues } from '../../local/stack/queues.ts';

const Event = z.object({
  Records: z.array(
    z.looseObject({ messageId: z.string(), body: z.string(), messageAttributes: z.unknown() }),
  ),
});
type Record = z.infer<typeof Event>['Records'][number];

let queues: LocalQueues;
beforeAll(async () => {
  queues = await startQueues(0, { queues: new Map() });
});
afterAll(() => queues?.stop());

/** A queue that hides a message for a second, and sets aside what was received twice. */
async function aQueue(name: string) {
  const dead = await queues.client.send(new CreateQueueCommand({ QueueName: `${name}-dlq` }));
  const { Attributes } = await queues.client.send(
    new GetQueueAttributesCommand({ QueueUrl: dead.QueueUrl, AttributeNames: ['QueueArn'] }),
  );
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: Attributes?.QueueArn, maxReceiveCount: 2 });
  const { QueueUrl = '' } = await queues.client.send(
    new CreateQueueCommand({ QueueName: name, Attributes: { VisibilityTimeout: '1', RedrivePolicy } }),
  );
  return { url: QueueUrl, dead: dead.QueueUrl ?? '' };
}

/** Sends `a`, `b` and `c`, lets the function answer, and tells what it was given and what was set aside. */
async function deliver(
  name: string,
  answer: (records: Record[], call: number) => unknown,
  more: Partial<EventSource> = {},
) {
  const queue = await aQueue(name);
  for (const body of ['a', 'b', 'c']) {
    await queues.client.send(
      new SendMessageCommand({
        QueueUrl: queue.url,
        MessageBody: body,
        MessageAttributes: { source: { DataType: 'String', StringValue: body } },
      }),
    );
  }
  const batches: string[][] = [];
  const errors: string[] = [];
  const mapping = startEventSource({
    client: queues.client,
    queueUrl: queue.url,
    batchSize: 10,
    concurrency: 1,
    reportsFailures: true,
    onError: (message) => errors.push(message),
    invoke: async (event) => {
      const { Records } = Event.parse(event);
      batches.push(Records.map(({ body }) => body).toSorted());
      return answer(Records, batches.length);
    },
    ...more,
  });
  onTestFinished(() => mapping.stop());
  const isEmpty = async () => {
    const { Attributes = {} } = await queues.client.send(
      new GetQueueAttributesCommand({
        QueueUrl: queue.url,
        AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
      }),
    );
    return Object.values(Attributes).every((count) => count === '0');
  };
  for (const endsAt = performance.now() + 15_000; !(await isEmpty()); await sleep(50)) {
    if (performance.now() > endsAt) throw new Error(`not empty after ${JSON.stringify(batches)}`);
  }
  const { Messages = [] } = await queues.client.send(
    new ReceiveMessageCommand({ QueueUrl: queue.dead, MaxNumberOfMessages: 10 }),
  );
  return { batches, errors, dead: Messages.map(({ Body }) => Body).toSorted() };
}

const failing = (records: Record[], ...bodies: string[]) => ({
  batchItemFailures: records
    .filter(({ body }) => bodies.includes(body))
    .map(({ messageId }) => ({ itemIdentifier: messageId })),
});

describe('a batch', () => {
  it.each([
    ['an empty list', () => ({ batchItemFailures: [] })],
    ['no list', () => ({})],
    ['nothing', () => null],
  ])('is done when the function answers %s', async (what, answer) => {
    expect(await deliver(what.replaceAll(' ', '-'), answer)).toEqual({
      batches: [['a', 'b', 'c']],
      errors: [],
      dead: [],
    });
  });

  it('is done but for the messages that the answer names, which come back later', async () => {
    const delivered = await deliver('partly', (records, call) =>
      failing(records, ...(call === 1 ? ['b'] : [])),
    );
    expect(delivered).toEqual({ batches: [['a', 'b', 'c'], ['b']], errors: [], dead: [] });
  });

  it('that fails each time is set aside, message by message', async () => {
    const delivered = await deliver('stubborn', (records) => failing(records, 'a', 'c'));
    expect(delivered).toEqual({
      batches: [
        ['a', 'b', 'c'],
        ['a', 'c'],
      ],
      errors: [],
      dead: ['a', 'c'],
    });
  });

  it.each([
    ['an-unknown-id', () => ({ batchItemFailures: [{ itemIdentifier: 'nobody' }] })],
    ['an-empty-id', () => ({ batchItemFailures: [{ itemIdentifier: '' }] })],
    ['another-key', () => ({ batchItemFailures: [{ id: 'x' }] })],
  ])('comes back whole for an answer with %s', async (name, answer) => {
    const { batches, errors, dead } = await deliver(name, answer);
    expect([batches, dead]).toEqual([
      [
        ['a', 'b', 'c'],
        ['a', 'b', 'c'],
      ],
      ['a', 'b', 'c'],
    ]);
    expect(errors).toHaveLength(2);
  });

  it('comes back whole when the function fails', async () => {
    const { batches, errors, dead } = await deliver('failing', () => {
      throw new Error('no memory');
    });
    expect([batches.length, dead]).toEqual([2, ['a', 'b', 'c']]);
    expect(errors[0]).toBe('failing: no memory; its 3 message(s) come back');
  });

  it('of a function that does not report is done with any answer', async () => {
    const answer = (records: Record[]) => failing(records, 'a');
    const delivered = await deliver('silent', answer, { reportsFailures: false });
    expect(delivered).toEqual({ batches: [['a', 'b', 'c']], errors: [], dead: [] });
  });
});
