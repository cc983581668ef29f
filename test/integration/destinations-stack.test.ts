/** Every kind of destination on the local stack: one run tells them all, and one that is down delays no other. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
} from '@aws-sdk/client-sqs';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { CompletionEvent } from '../../lib/model/completion-event.ts';
import { LOCAL_AWS } from '../../local/stack/local-aws.ts';
import { portOf } from '../../local/stack/ports.ts';
import { until } from '../contract/alibaba-local.ts';
import { STACK_START_MS, startTestStack, type TestStack } from '../fixtures/stack.ts';
import { anAlert, bearer, post, theRunOf } from './local-stack-client.ts';

const FACTS = ['started', 'succeeded', 'task'];

/** A receiver of web hooks, which may be down. */
const received: { ids: string[]; attempts: number; isDown: boolean } = { ids: [], attempts: 0, isDown: true };
const receiver = createServer((request, response) => {
  void receive(request, response);
});

async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
  received.attempts += 1;
  const body = Buffer.concat(await request.toArray()).toString();
  if (received.isDown) {
    response.writeHead(503).end();
    return;
  }
  const headers = z.record(z.string(), z.string()).parse(request.headers);
  const event = new Webhook('local-hook-secret', { format: 'raw' }).verify(body, headers);
  received.ids.push(CompletionEvent.parse(event).id);
  response.writeHead(204).end();
}

describe('destinations on the local stack', { timeout: 90_000 }, () => {
  let stack: TestStack;
  let runId: string;

  beforeAll(async () => {
    receiver.listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    stack = await startTestStack({
      rules: `version: 1
providers: { tencent: { region: ap-guangzhou } }
destinations:
  own: { sqs: own-queue }
  ordered: { sqs: ordered.fifo }
  audit: { sns: fleet-audit }
  bus: { eventbridge: fleet }
  journal: { log: /fleet/events }
  hook: { webhook: 'http://127.0.0.1:${portOf(receiver)}/events' }
rules:
  - name: tells-all
    on: alertmanager
    run: { provider: tencent, command: cmd-echo0001, instances: ins-local001, parameters: { text: hello } }
    notify: [completions, own, ordered, audit, bus, journal, hook]`,
    });
    const client = new SNSClient({ ...LOCAL_AWS, endpoint: stack.sqsUrl });
    await stack.sqs.send(new CreateQueueCommand({ QueueName: 'listener' }));
    await client.send(
      new SubscribeCommand({
        TopicArn: 'arn:aws:sns:us-east-1:000000000000:fleet-audit',
        Protocol: 'sqs',
        Endpoint: 'arn:aws:sqs:us-east-1:000000000000:listener',
        Attributes: { RawMessageDelivery: 'true' },
      }),
    );
    client.destroy();
    const secret = stack.secretOf('alertmanager');
    runId = theRunOf(await post(stack, '/hooks/alertmanager', anAlert('Any'), bearer(secret)));
  }, STACK_START_MS);
  afterAll(() => void receiver.close());

  /** `started`, `task`, `succeeded`, sorted. */
  const factsOf = (ids: readonly string[]) =>
    ids
      .filter((id) => id.startsWith(runId))
      .map((id) => (id.split('/').length > 2 ? 'task' : id.split('/')[1]))
      .toSorted();

  const onQueue: Record<string, string[]> = {};
  const takeFrom = async (QueueName: string) => {
    const { QueueUrl } = await stack.sqs.send(new GetQueueUrlCommand({ QueueName }));
    const { Messages = [] } = await stack.sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }),
    );
    // A FIFO queue gives nothing more of a run while something of it is not done.
    for (const { ReceiptHandle } of Messages) {
      await stack.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    }
    const ids = Messages.map(({ Body = '' }) => CompletionEvent.parse(JSON.parse(Body)).id);
    onQueue[QueueName] = [...(onQueue[QueueName] ?? []), ...ids];
    return factsOf(onQueue[QueueName]);
  };
  const Arrived = z.array(z.looseObject({ kind: z.string(), place: z.string(), event: CompletionEvent }));
  const arrivedAt = async (kind: string) => {
    const all = Arrived.parse(await (await fetch(`${stack.destinationsUrl}/arrived`)).json());
    return factsOf(all.filter((it) => it.kind === kind).map(({ event }) => event.id));
  };
  const isAll = (facts: unknown) => JSON.stringify(facts) === JSON.stringify(FACTS);

  it.each(['completions', 'own-queue', 'ordered.fifo', 'listener'])('tell the queue %s', async (queue) => {
    expect(await until(() => takeFrom(queue), isAll, 60_000)).toEqual(FACTS);
  });

  it.each(['eventbridge', 'log'])('tell %s', async (kind) => {
    expect(await until(() => arrivedAt(kind), isAll, 60_000)).toEqual(FACTS);
  });

  it('try one that is down by itself, and tell it when it is up; the others hear nothing twice', async () => {
    expect(received).toMatchObject({ ids: [], isDown: true });
    expect(received.attempts).toBeGreaterThan(0);
    received.isDown = false;
    const told = async () => factsOf(received.ids);
    expect(await until(told, isAll, 60_000)).toEqual(FACTS);
    for (const queue of ['completions', 'own-queue', 'ordered.fifo', 'listener']) {
      expect(await takeFrom(queue)).toEqual(FACTS);
    }
    expect(await arrivedAt('eventbridge')).toEqual(FACTS);
    expect(await arrivedAt('log')).toEqual(FACTS);
  });

  it('keep no run waiting: it is told while one of them is down', async () => {
    const answer = await fetch(`${stack.httpUrl}/runs/${runId}`, { headers: bearer(stack.runsToken) });
    expect(await answer.json()).toMatchObject({ status: 'succeeded' });
  });
});
