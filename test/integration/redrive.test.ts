/** `fleet-reflex redrive`: what is meant goes back, the rest stays where it is, and nothing is lost on the way. */
import { readFileSync } from 'node:fs';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { isWanted, type Wanted } from '../../bin/commands/redrive/filter.ts';
import { lineOf } from '../../bin/commands/redrive/message-facts.ts';
import { moveMessages } from '../../bin/commands/redrive/move.ts';
import { type Redrive, redriveQueue } from '../../bin/commands/redrive/redrive-queue.ts';
import { deadLetterName, QUEUES } from '../../lib/queues/names.ts';
import { type LocalSqs, startSqs, text } from '../fixtures/sqs.ts';
import { stubSqs } from '../fixtures/sqs-stub.ts';

let sqs: LocalSqs;
beforeAll(async () => {
  sqs = await startSqs();
});
afterAll(() => sqs.stop());

const HOUR_MS = 3_600_000;

interface Given {
  body: object;
  attributes?: Record<string, string>;
}

const aRun = (rule: string, source: string, attributes: Record<string, string> = {}): Given => ({
  body: { action: 'run', runId: `run-${rule}`, rule, trigger: { source } },
  attributes: { rule, runId: `run-${rule}`, ...attributes },
});

async function aQueue(messages: readonly Given[]) {
  const { name, url, deadLetterUrl } = sqs.makePair('runs');
  for (const { body, attributes = {} } of messages) {
    const given = Object.entries(attributes).map(([key, value]) => [key, text(value)] as const);
    await sqs.send(deadLetterUrl, JSON.stringify(body), Object.fromEntries(given));
  }
  const redrive = async (options: Partial<Redrive> = {}) =>
    await redriveQueue({
      client: sqs.client,
      queue: name,
      limit: 100_000,
      isDryRun: false,
      onMessage: () => {},
      ...options,
    });
  const inQueue = (of: string) => sqs.messagesIn(of).map(({ body }) => body);
  return { url, deadLetterUrl, redrive, moved: () => inQueue(url), stayed: () => inQueue(deadLetterUrl) };
}

/** What can be received now, with how often it was. */
async function visibleIn(QueueUrl: string) {
  const { Messages = [] } = await sqs.client.send(
    new ReceiveMessageCommand({
      QueueUrl,
      MaxNumberOfMessages: 10,
      MessageSystemAttributeNames: ['ApproximateReceiveCount'],
    }),
  );
  return Messages.map(({ Attributes }) => Attributes?.['ApproximateReceiveCount']);
}

describe('the filters', () => {
  const now = Date.now();
  const MESSAGES: Given[] = [
    aRun('restart', 'alertmanager', { reason: 'parameters.unsafe', explanation: 'a; b' }),
    aRun('patch', 'slack', { firstSentTimestamp: String(now - 5 * HOUR_MS) }),
    {
      body: { version: 1, source: 'github', eventId: 'e', action: 'event' },
      attributes: { source: 'github' },
    },
    {
      body: {
        type: 'fleet-reflex.run.completed',
        source: '/x',
        data: { rule: 'deploy', runId: 'run-d', trigger: { source: 'gitlab' } },
      },
    },
    { body: ['no', 'object'] },
  ];

  it.each<[string, Partial<Wanted>, number[]]>([
    ['no filter', {}, [0, 1, 2, 3, 4]],
    ['the reason', { reason: 'parameters.unsafe' }, [0]],
    ['no reason', { reason: 'none' }, [1, 2, 3, 4]],
    ['the rule', { rule: 'restart' }, [0]],
    ['the rule of a completion event', { rule: 'deploy' }, [3]],
    ['the source of a run', { source: 'alertmanager' }, [0]],
    ['the source of a record', { source: 'github' }, [2]],
    ['the source of a completion event', { source: 'gitlab' }, [3]],
    ['older', { before: new Date(now - HOUR_MS) }, [1]],
    ['newer', { after: new Date(now - HOUR_MS) }, [0, 2, 3, 4]],
    ['the run', { ids: ['run-d', 'run-patch'] }, [1, 3]],
    ['two that no message has', { rule: 'restart', source: 'slack' }, []],
  ])('take by %s', async (_, wanted, expected) => {
    const queue = await aQueue(MESSAGES);
    const { count, left, failures } = await queue.redrive({
      isWanted: (message) => isWanted(message, { ids: [], ...wanted }),
    });
    const bodies = MESSAGES.map(({ body }) => JSON.stringify(body));
    const meant = bodies.filter((_body, index) => expected.includes(index));
    expect(queue.moved().toSorted()).toEqual(meant.toSorted());
    expect(queue.stayed().toSorted()).toEqual(bodies.filter((body) => !meant.includes(body)).toSorted());
    expect([count, left, failures]).toEqual([meant.length, bodies.length - meant.length, []]);
  });

  it('leave what is not meant visible at once, received once', async () => {
    const queue = await aQueue([aRun('a', 's'), aRun('b', 's'), aRun('c', 's')]);
    await queue.redrive({ isWanted: (message) => isWanted(message, { ids: [], rule: 'b' }) });
    // The second receive is the one that asks.
    expect(await visibleIn(queue.deadLetterUrl)).toEqual(['2', '2']);
  });
});

describe('a dry run', () => {
  it('shows each message in a line, moves nothing, and leaves all visible', async () => {
    const hostile = aRun('a', 's', { reason: 'event.unrecognised', explanation: 'No\nsource \u001b[2J' });
    const queue = await aQueue([
      hostile,
      aRun('b', 'slack', { firstSentTimestamp: String(Date.now() - 50 * HOUR_MS) }),
    ]);
    const lines: string[] = [];
    const now = new Date();
    const { count } = await queue.redrive({
      isDryRun: true,
      onMessage: (one) => lines.push(lineOf(one, now)),
    });
    expect(count).toBe(2);
    expect(
      lines.toSorted((a, b) => a.length - b.length).map((line) => line.replace(/^[0-9a-f-]{36} {2}/, '')),
    ).toEqual([
      '2d  run of b, slack  failed each time',
      '0s  run of a, s  event.unrecognised: No source \\u{1b}[2J',
    ]);
    expect(queue.moved()).toEqual([]);
    expect(await visibleIn(queue.deadLetterUrl)).toEqual(['2', '2']);
  });
});

describe('many messages', () => {
  it('are each moved once, up to the limit', { timeout: 60_000 }, async () => {
    const queue = await aQueue(Array.from({ length: 330 }, (_, index) => aRun(`r${index}`, 's')));
    const seen: number[] = [];
    const first = await queue.redrive({ limit: 200, onProgress: ({ count }) => seen.push(count) });
    expect([first.count, first.total, new Set(queue.moved()).size, queue.stayed().length]).toEqual([
      200, 330, 200, 130,
    ]);
    expect(seen.at(-1)).toBe(200);
    expect((await queue.redrive()).count).toBe(130);
    expect([new Set(queue.moved()).size, queue.moved().length, queue.stayed()]).toEqual([330, 330, []]);
  });

  it('are all on one of the two queues when it is stopped half-way, and visible', {
    timeout: 60_000,
  }, async () => {
    const queue = await aQueue(Array.from({ length: 120 }, (_, index) => aRun(`r${index}`, 's')));
    const stop = new AbortController();
    const done = await queue.redrive({
      signal: stop.signal,
      isWanted: ({ Body = '' }) => !Body.includes('r1'),
      onMessage: () => stop.abort(),
    });
    expect(done.count).toBeGreaterThan(0);
    expect(done.count).toBeLessThan(120);
    expect([...queue.moved(), ...queue.stayed()]).toHaveLength(120);
    expect(queue.moved()).toHaveLength(done.count);
    expect(await visibleIn(queue.deadLetterUrl)).toHaveLength(10);
  });
});

describe('what SQS does not take', () => {
  it('stays, visible, and is named', async () => {
    const queue = await aQueue([aRun('a', 's'), aRun('refused', 's'), aRun('c', 's')]);
    const client = refusing('refused');
    const done = await queue.redrive({ client });
    expect(done.count).toBe(2);
    expect(done.failures).toEqual([
      expect.stringMatching(/^[0-9a-f-]{36} was not moved: InternalError: try again$/),
    ]);
    expect(queue.stayed()).toEqual([JSON.stringify(aRun('refused', 's').body)]);
    expect(await visibleIn(queue.deadLetterUrl)).toEqual(['2']);
    client.destroy();
  });

  /** The local SQS, which takes no message with that text. */
  function refusing(word: string): SQSClient {
    const client = new SQSClient({
      endpoint: sqs.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
      useQueueUrlAsEndpoint: false,
    });
    const Batch = z.looseObject({
      Entries: z.array(z.looseObject({ Id: z.string(), MessageBody: z.string() })),
    });
    client.middlewareStack.add(
      (next) => async (args) => {
        const batch = Batch.safeParse(args.input);
        if (!batch.success) return await next(args);
        const { Entries } = batch.data;
        Object.assign(args.input, {
          Entries: Entries.filter(({ MessageBody }) => !MessageBody.includes(word)),
        });
        const answer = await next(args);
        const Failed = Entries.filter(({ MessageBody }) => MessageBody.includes(word)).map(({ Id }) => ({
          Id,
          Code: 'InternalError',
          Message: 'try again',
          SenderFault: false,
        }));
        return { ...answer, output: { ...answer.output, Failed } };
      },
      { step: 'initialize' },
    );
    return client;
  }

  it('keeps its tenant when it is moved', async () => {
    const inputs: unknown[] = [];
    const client = stubSqs((input) => {
      inputs.push(input);
      return { Successful: [{ Id: '0', MessageId: 'new' }] };
    });
    const message = {
      MessageId: 'm',
      Body: '{}',
      ReceiptHandle: 'h',
      Attributes: { MessageGroupId: 'slack' },
    };
    expect((await moveMessages(client, [message], 'from', 'to')).ids).toEqual(['new']);
    expect(inputs[0]).toMatchObject({ QueueUrl: 'to', Entries: [{ MessageGroupId: 'slack' }] });
  });
});

it('a message that comes back at once ends it', async () => {
  const queue = await aQueue([aRun('a', 's')]);
  /** As the function does it. */
  const setAside = async () => {
    const { Records } = await sqs.receive(queue.url);
    for (const { body, messageId } of Records)
      await sqs.send(queue.deadLetterUrl, body, { originalMessageId: text(messageId) });
  };
  const done = await queue.redrive({ onMessage: () => void setAside() });
  expect([done.count, done.cameBack]).toEqual([1, 1]);
});

it('the queues that it names are those of the deployment', () => {
  const Resource = z.looseObject({
    Type: z.string(),
    Properties: z.looseObject({ QueueName: z.string().optional() }),
  });
  const { Resources } = z
    .looseObject({ resources: z.looseObject({ Resources: z.record(z.string(), Resource) }) })
    .parse(
      parse(readFileSync(new URL('../../serverless.yml', import.meta.url), 'utf8'), { merge: true }),
    ).resources;
  const names = Object.values(Resources).flatMap(({ Type, Properties }) =>
    Type === 'AWS::SQS::Queue' ? [Properties.QueueName ?? ''] : [],
  );
  expect(names.toSorted()).toEqual(
    QUEUES.flatMap((name) => [name, deadLetterName(name)])
      .map((name) => `\${param:queuePrefix}${name}`)
      .toSorted(),
  );
});
