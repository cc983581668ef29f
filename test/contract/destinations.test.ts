/** The contract of destinations for each kind: SQS and SNS on fauxqs, the others on the stand-in of local/destinations. */
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { CreateTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { expect, it, onTestFinished } from 'vitest';
import * as z from 'zod';
import type { Sender } from '../../lib/completions/destination.ts';
import { eventBridgeSender } from '../../lib/completions/eventbridge-destination.ts';
import { logSender } from '../../lib/completions/log-destination.ts';
import { snsSender } from '../../lib/completions/sns-destination.ts';
import { sqsSender } from '../../lib/completions/sqs-destination.ts';
import { webhookSender } from '../../lib/completions/webhook-destination.ts';
import type { DestinationRef } from '../../lib/model/destination-ref.ts';
import { startDestinationServer } from '../../local/destinations/server.ts';
import { LOCAL_AWS } from '../../local/stack/local-aws.ts';
import { aCompletionEvent } from '../fixtures/completion-events.ts';
import { startSqs } from '../fixtures/sqs.ts';
import { type DestinationWorld, destinationContract } from './destination-contract.ts';

const now = () => new Date();

/** What a client's requests meet on their way: a service that is down, an entry that it fails. */
interface Trouble {
  isDown: boolean;
  failing: string | undefined;
}

interface Client {
  middlewareStack: {
    add(
      middleware: (
        next: (args: { input: object }) => Promise<{ output: object; response: unknown }>,
      ) => (args: { input: object }) => Promise<{ output: object; response: unknown }>,
      options: { step: 'initialize' },
    ): void;
  };
}

/**
 * @param list the field of a request that has its entries
 * @param failed the answer with one more that failed, which was the `at`-th of the request
 */
function troubled(
  client: Client,
  list: string,
  failed: (output: object, at: number, entry: object) => object,
): Trouble {
  const trouble: Trouble = { isDown: false, failing: undefined };
  client.middlewareStack.add(
    (next) => async (args) => {
      if (trouble.isDown) {
        const $metadata = { httpStatusCode: 503 };
        throw Object.assign(new Error('slow down'), { name: 'ServiceDown', $fault: 'server', $metadata });
      }
      const entries = z.array(z.looseObject({})).optional().parse(Object(args.input)[list]) ?? [];
      const { failing } = trouble;
      const at = entries.findIndex(
        (entry) => failing !== undefined && JSON.stringify(entry).includes(failing),
      );
      if (at < 0) return await next(args);
      trouble.failing = undefined;
      const { output, ...rest } = await next({
        input: { ...args.input, [list]: entries.filter((_, index) => index !== at) },
      });
      return { ...rest, output: { ...output, ...failed(output, at, entries[at] ?? {}) } };
    },
    { step: 'initialize' },
  );
  return trouble;
}

const idOf = (entry: object) => ({ Id: Object(entry).Id, Code: 'InternalError', SenderFault: false });
const withFailed = (output: object, _: number, entry: object) => ({
  Failed: [...(Object(output).Failed ?? []), idOf(entry)],
});
const switches = (trouble: Trouble) => ({
  isDown(is: boolean) {
    trouble.isDown = is;
  },
  failOnce(id: string) {
    trouble.failing = id;
  },
});
function wrong(ref: DestinationRef): never {
  throw new Error(`not for ${ref.name}`);
}

async function aQueue(queueName: string): Promise<DestinationWorld> {
  const sqs = await startSqs();
  const client = new SQSClient({
    ...LOCAL_AWS,
    endpoint: sqs.endpoint,
    useQueueUrlAsEndpoint: false,
    maxAttempts: 1,
  });
  const Attributes = queueName.endsWith('.fifo') ? { FifoQueue: 'true' } : undefined;
  await client.send(new CreateQueueCommand({ QueueName: queueName, ...(Attributes && { Attributes }) }));
  const trouble = troubled(client, 'Entries', withFailed);
  return {
    ref: { name: 'ops', sqs: queueName },
    lost: { ref: { name: 'ops', sqs: 'nowhere' }, code: 'destination.missing' },
    senderOf: (ref) => ('sqs' in ref ? sqsSender(client, ref) : wrong(ref)),
    arrived: async () =>
      sqs.messagesIn(`${sqs.endpoint}/000000000000/${queueName}`).map(({ body }) => JSON.parse(body)),
    ...switches(trouble),
    async stop() {
      client.destroy();
      await sqs.stop();
    },
  };
}

destinationContract('SQS', () => aQueue('ops'));
destinationContract('SQS, FIFO', () => aQueue('ops.fifo'));

async function aTopic(Name: string): Promise<DestinationWorld> {
  const sqs = await startSqs();
  const client = new SNSClient({ ...LOCAL_AWS, endpoint: sqs.endpoint, maxAttempts: 1 });
  const isFifo = Name.endsWith('.fifo');
  await client.send(new CreateTopicCommand({ Name, ...(isFifo && { Attributes: { FifoTopic: 'true' } }) }));
  const prefix = 'arn:aws:sns:us-east-1:000000000000:';
  const queue = isFifo ? 'listener.fifo' : 'listener';
  await sqs.client.send(
    new CreateQueueCommand({ QueueName: queue, ...(isFifo && { Attributes: { FifoQueue: 'true' } }) }),
  );
  await client.send(
    new SubscribeCommand({
      TopicArn: `${prefix}${Name}`,
      Protocol: 'sqs',
      Endpoint: `arn:aws:sqs:us-east-1:000000000000:${queue}`,
      Attributes: { RawMessageDelivery: 'true' },
    }),
  );
  const trouble = troubled(client, 'PublishBatchRequestEntries', withFailed);
  return {
    ref: { name: 'audit', sns: Name },
    lost: { ref: { name: 'audit', sns: 'nowhere' }, code: 'destination.missing' },
    senderOf: (ref) => ('sns' in ref ? snsSender(client, ref, prefix) : wrong(ref)),
    arrived: async () =>
      sqs.messagesIn(`${sqs.endpoint}/000000000000/${queue}`).map(({ body }) => JSON.parse(body)),
    ...switches(trouble),
    async stop() {
      client.destroy();
      await sqs.stop();
    },
  };
}

destinationContract('SNS', () => aTopic('audit'));
destinationContract('SNS, FIFO', () => aTopic('audit.fifo'));

const standIn = () =>
  startDestinationServer({
    port: 0,
    buses: new Set(['default', 'fleet']),
    groups: new Set(['/fleet/events']),
    secretOf: (name) => (name === 'hook' ? 'local-hook-secret' : undefined),
  });

destinationContract('EventBridge', async () => {
  const server = await standIn();
  const client = new EventBridgeClient({ ...LOCAL_AWS, endpoint: server.url, maxAttempts: 1 });
  const trouble = troubled(client, 'Entries', (output, at) => ({
    FailedEntryCount: 1,
    Entries: Object(output).Entries.toSpliced(at, 0, { ErrorCode: 'ThrottlingException' }),
  }));
  return {
    ref: { name: 'bus', eventbridge: 'fleet' },
    lost: { ref: { name: 'bus', eventbridge: 'nowhere' }, code: 'destination.refused' },
    senderOf: (ref) => ('eventbridge' in ref ? eventBridgeSender(client, ref) : wrong(ref)),
    arrived: async () => server.arrived().map(({ event }) => event),
    ...switches(trouble),
    async stop() {
      client.destroy();
      await server.stop();
    },
  };
});

destinationContract('CloudWatch log', async () => {
  const server = await standIn();
  const client = new CloudWatchLogsClient({ ...LOCAL_AWS, endpoint: server.url, maxAttempts: 1 });
  const trouble: Trouble = { isDown: false, failing: undefined };
  client.middlewareStack.add(
    (next) => async (args) => {
      if (trouble.isDown) {
        const $metadata = { httpStatusCode: 503 };
        throw Object.assign(new Error('slow down'), { name: 'ServiceDown', $fault: 'server', $metadata });
      }
      return await next(args);
    },
    { step: 'initialize' },
  );
  const senderOf = (ref: DestinationRef): Sender => {
    if (!('log' in ref)) return wrong(ref);
    const real = logSender(client, ref, { stage: 'test', now });
    // CloudWatch rejects the oldest and the newest lines of a request, and none in between.
    const late = logSender(client, ref, { stage: 'test', now: () => new Date(Date.now() - 15 * 86_400_000) });
    return {
      async send(events) {
        const { failing } = trouble;
        if (failing === undefined) return await real.send(events);
        trouble.failing = undefined;
        return (
          await Promise.all(events.map((event) => (event.id === failing ? late : real).send([event])))
        ).flat();
      },
    };
  };
  return {
    ref: { name: 'log', log: '/fleet/events' },
    lost: { ref: { name: 'log', log: '/nowhere' }, code: 'destination.missing' },
    senderOf,
    arrived: async () => server.arrived().map(({ event }) => event),
    ...switches(trouble),
    async stop() {
      client.destroy();
      await server.stop();
    },
  };
});

destinationContract('web hook', async () => {
  const server = await standIn();
  const trouble: Trouble = { isDown: false, failing: undefined };
  const hook = `${server.url}/webhooks/hook`;
  const senderOf = (ref: DestinationRef): Sender => {
    if (!('webhook' in ref)) return wrong(ref);
    const options = {
      now,
      allowLoopback: true,
      secrets: async () => ['whsec_bmV3ZXI=', 'local-hook-secret'],
    };
    const real = webhookSender(ref, options);
    const forged = webhookSender(ref, { ...options, secrets: async () => ['another'] });
    return {
      async send(events) {
        const { failing } = trouble;
        trouble.failing = undefined;
        return (
          await Promise.all(events.map((event) => (event.id === failing ? forged : real).send([event])))
        ).flat();
      },
    };
  };
  return {
    ref: { name: 'hook', webhook: hook },
    lost: { ref: { name: 'hook', webhook: `${server.url}/webhooks/nobody` }, code: 'destination.refused' },
    senderOf,
    arrived: async () => server.arrived().map(({ event }) => event),
    isDown(is) {
      server.answerAll(is ? { status: 503, headers: {}, body: '' } : undefined);
    },
    failOnce: switches(trouble).failOnce,
    stop: () => server.stop(),
  };
});

it('the queue `completions` is the deployment’s own, also next to one of that name', async () => {
  const sqs = await startSqs();
  onTestFinished(() => sqs.stop());
  const urlOf = async (QueueName: string) => {
    await sqs.client.send(new CreateQueueCommand({ QueueName }));
    return `${sqs.endpoint}/000000000000/${QueueName}`;
  };
  const [own, plain] = [await urlOf('fleet-reflex-prod-completions'), await urlOf('completions')];
  const sender = sqsSender(sqs.client, { name: 'completions', sqs: 'completions' }, 'fleet-reflex-prod-');
  expect(await sender.send([aCompletionEvent()])).toEqual([{ kind: 'delivered' }]);
  expect([sqs.messagesIn(own).length, sqs.messagesIn(plain).length]).toEqual([1, 0]);
});
