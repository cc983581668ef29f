/** The receiving edge of every queue, on real SQS: what becomes of a message, whatever its handler does. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FleetReflexError } from '../../lib/errors.ts';
import { type Handled, queueHandler } from '../../lib/queues/consume.ts';
import { capturedLog } from '../fixtures/captured-log.ts';
import { aLambdaContext } from '../fixtures/http-events.ts';
import { type LocalSqs, startSqs, text } from '../fixtures/sqs.ts';

let sqs: LocalSqs;
/** Every call of ChangeMessageVisibility: how long. */
const waits: (number | undefined)[] = [];

beforeAll(async () => {
  sqs = await startSqs();
  sqs.client.middlewareStack.add(
    (next) => async (args) => {
      const { VisibilityTimeout, MaxNumberOfMessages }: Record<string, unknown> = { ...args.input };
      if (MaxNumberOfMessages === undefined && typeof VisibilityTimeout === 'number') {
        waits.push(VisibilityTimeout);
      }
      return await next(args);
    },
    { step: 'initialize' },
  );
});
afterAll(() => sqs.stop());

const DONE: Handled = { kind: 'done' };
const hold = (message = 'nobody knows what it means') =>
  new FleetReflexError('message.odd', message, { disposition: 'hold' });

/** An edge whose handler does what the body says. */
function anEdge(behaviour: Record<string, () => Handled | Promise<Handled>>, deadLetters?: string) {
  const queueUrl = sqs.makeQueue('work');
  const deadLetterUrl = deadLetters ?? sqs.makeQueue('work-dlq');
  const handled: string[] = [];
  const log = capturedLog();
  const handler = queueHandler({
    client: sqs.client,
    queueUrl,
    deadLetterUrl,
    log,
    handle: async ({ body }) => {
      handled.push(body);
      return await (behaviour[body] ?? (() => DONE))();
    },
  });
  return {
    queueUrl,
    deadLetterUrl,
    handled,
    log,
    handler,
    send: async (...bodies: string[]) => {
      for (const body of bodies) await sqs.send(queueUrl, body);
    },
    deliver: () => sqs.deliver(queueUrl, (event) => handler(event, aLambdaContext())),
    left: () => sqs.messagesIn(queueUrl).map(({ body }) => body),
    setAside: () => sqs.messagesIn(deadLetterUrl),
  };
}

const fail = (thrown: unknown) => () => Promise.reject(thrown);

describe('a batch', () => {
  it('loses what is done and keeps what is not, each by itself', async () => {
    const edge = anEdge({
      odd: fail(hold()),
      broken: fail(new TypeError('undefined is not a function')),
      dropped: fail(new FleetReflexError('message.old', 'it is of last year')),
      later: () => ({ kind: 'retry', retryAfterMs: 30_000, reason: 'not yet' }),
      busy: fail(new FleetReflexError('provider.busy', 'busy', { disposition: 'retry' })),
    });
    await edge.send('fine', 'odd', 'broken', 'dropped', 'later', 'busy');
    const { batchItemFailures } = await edge.deliver();
    expect(batchItemFailures).toHaveLength(3);
    expect(edge.left().toSorted()).toEqual(['broken', 'busy', 'later']);
    expect(edge.setAside().map(({ body }) => body)).toEqual(['odd']);
    expect(edge.handled.toSorted()).toEqual(['broken', 'busy', 'dropped', 'fine', 'later', 'odd']);
  });

  it('of which all fail is answered like any other', async () => {
    const edge = anEdge({ a: fail(new Error('x')), b: fail(new Error('x')) });
    await edge.send('a', 'b');
    expect((await edge.deliver()).batchItemFailures).toHaveLength(2);
  });

  it('names each failure once, whichever ends first', async () => {
    const { promise: second, resolve: release } = Promise.withResolvers<void>();
    const edge = anEdge({
      a: async () => {
        await second;
        throw new Error('late');
      },
      b: () => {
        release();
        throw new Error('early');
      },
    });
    await edge.send('a', 'b', 'c');
    const event = await sqs.receive(edge.queueUrl);
    const { batchItemFailures } = await edge.handler(event, aLambdaContext());
    const failed = event.Records.filter(({ body }) => body !== 'c').map(({ messageId }) => messageId);
    expect(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier).toSorted()).toEqual(
      failed.toSorted(),
    );
  });

  it('says nothing of the batch before it', async () => {
    const edge = anEdge({ bad: fail(new Error('x')) });
    await edge.send('bad');
    await edge.deliver();
    await edge.send('good');
    expect(await edge.deliver()).toEqual({ batchItemFailures: [] });
  });

  it('has the request’s id on its lines', async () => {
    const edge = anEdge({ a: fail(new Error('x')) });
    await edge.send('a');
    await edge.deliver();
    expect(edge.log.lines.map(({ event, ids }) => [event, ids])).toEqual([
      ['message.failed', { requestId: 'request-1' }],
      ['message.waits', { requestId: 'request-1' }],
    ]);
  });
});

describe('a message comes back', () => {
  const busy = (retryAfterMs?: number) =>
    new FleetReflexError('x', 'x', { disposition: 'retry', ...(retryAfterMs && { retryAfterMs }) });

  it.each<[string, number, unknown, number]>([
    ['soon after the first failure', 1, new Error('x'), 2],
    ['later after each', 2, new Error('x'), 3],
    ['twice as late', 3, new Error('x'), 5],
    ['and twice again', 4, new Error('x'), 9],
    ['after five minutes and a little', 10, new Error('x'), 303],
    ['and a little more', 100, new Error('x'), 325],
    ['when its error says so', 1, busy(60_000), 61],
    ['when its error says so, and a little later each time', 8, busy(60_000), 62],
    ['after twelve hours at most', 1, busy(999_999_999), 43_200],
    ['as after any failure when its error does not say', 3, busy(), 5],
    ['as after the first when the count is none', Number.NaN, new Error('x'), 2],
  ])('%s (receive %d)', async (_, received, thrown, seconds) => {
    const edge = anEdge({ m: fail(thrown) });
    await edge.send('m');
    const { Records } = await sqs.receive(edge.queueUrl);
    const counted = Records.map((record) => ({
      ...record,
      attributes: { ...record.attributes, ApproximateReceiveCount: String(received) },
    }));
    waits.length = 0;
    const answer = await edge.handler({ Records: counted }, aLambdaContext());
    expect(waits).toEqual([seconds]);
    expect(answer.batchItemFailures).toEqual([{ itemIdentifier: Records[0]?.messageId }]);
  });

  it('also when its visibility cannot be changed', async () => {
    const edge = anEdge({ m: fail(new Error('x')) });
    await edge.send('m');
    const { Records } = await sqs.receive(edge.queueUrl);
    const answer = await edge.handler(
      { Records: Records.map((record) => ({ ...record, receiptHandle: 'no such handle' })) },
      aLambdaContext(),
    );
    expect(answer.batchItemFailures).toEqual([{ itemIdentifier: Records[0]?.messageId }]);
    expect(edge.log.lines.map(({ event }) => event)).toContain('message.visibility');
  });

  it('when it can be put on no dead-letter queue', async () => {
    const edge = anEdge({ m: fail(hold()) }, `${sqs.makeQueue('x')}-that-is-not-there`);
    await edge.send('m');
    expect((await edge.deliver()).batchItemFailures).toHaveLength(1);
    expect(edge.left()).toEqual(['m']);
    expect(edge.log.lines.map(({ event }) => event)).toEqual([
      'message.held',
      'message.stuck',
      'message.waits',
    ]);
  });
});

describe('a message that a person has to decide on', () => {
  it('is on the dead-letter queue with why, and with all that it came with', async () => {
    const edge = anEdge({ m: fail(hold()) });
    await sqs.send(edge.queueUrl, 'm', {
      source: text('github'),
      size: { DataType: 'Number', StringValue: '12' },
      blob: { DataType: 'Binary', BinaryValue: Buffer.from('bytes') },
      reason: text('of the time before, when it was redriven'),
    });
    const event = await sqs.receive(edge.queueUrl);
    await edge.handler(event, aLambdaContext());
    const { Records } = await sqs.receive(edge.deadLetterUrl);
    const own = { dataType: 'String' };
    expect(Records.map(({ body, messageAttributes }) => ({ body, messageAttributes }))).toEqual([
      {
        body: 'm',
        messageAttributes: {
          source: { ...own, stringValue: 'github' },
          size: { dataType: 'Number', stringValue: '12' },
          blob: { dataType: 'Binary', binaryValue: Buffer.from('bytes').toString('base64') },
          reason: { ...own, stringValue: 'message.odd' },
          explanation: { ...own, stringValue: 'nobody knows what it means' },
          originalMessageId: { ...own, stringValue: event.Records[0]?.messageId },
          firstSentTimestamp: { ...own, stringValue: event.Records[0]?.attributes.SentTimestamp },
        },
      },
    ]);
  });

  it('is there also when it came with ten attributes, the most that a message has', async () => {
    const edge = anEdge({ m: fail(hold()) });
    const ten = Array.from({ length: 10 }, (_, index) => [`a${index}`, text('x')] as const);
    await sqs.send(edge.queueUrl, 'm', Object.fromEntries(ten));
    await edge.deliver();
    expect(edge.left()).toEqual([]);
    expect(edge.setAside().map(({ attributes }) => Object.keys(attributes).length)).toEqual([10]);
  });

  it('keeps what the doors read, whatever else it came with', async () => {
    const edge = anEdge({ m: fail(hold()) });
    const names = [...Array.from({ length: 8 }, (_, index) => `a${index}`), 'source', 'traceparent'];
    await sqs.send(edge.queueUrl, 'm', Object.fromEntries(names.map((name) => [name, text('x')])));
    await edge.deliver();
    expect(edge.setAside()[0]?.attributes).toMatchObject({ source: 'x', traceparent: 'x' });
  });

  it.each([
    ['earlier, than it was put there: the earlier counts', '1700000000000', '1700000000000'],
    ['later: it was put there before', '9999999999999', expect.stringMatching(/^1[78]\d{11}$/)],
    ['at no time: SQS knows', 'soon', expect.stringMatching(/^1[78]\d{11}$/)],
  ])('keeps when it was first sent, and says that it was %s', async (_, said, expected) => {
    const edge = anEdge({ m: fail(hold()) });
    await sqs.send(edge.queueUrl, 'm', { firstSentTimestamp: text(said) });
    await edge.deliver();
    expect(edge.setAside().map(({ attributes }) => attributes['firstSentTimestamp'])).toEqual([expected]);
  });

  it('keeps its own attributes when it is set aside again', async () => {
    const edge = anEdge({ m: fail(hold()) });
    const own = Array.from({ length: 6 }, (_, index) => `z${index}`);
    const before = ['reason', 'explanation', 'originalMessageId', 'firstSentTimestamp'];
    await sqs.send(
      edge.queueUrl,
      'm',
      Object.fromEntries([...before, ...own].map((name) => [name, text('x')])),
    );
    await edge.deliver();
    expect(edge.setAside().map(({ attributes }) => Object.keys(attributes).toSorted())).toEqual([
      [...before, ...own].toSorted(),
    ]);
  });

  it.each([
    ['is as long as anything', 'x'.repeat(10_000), 'x'.repeat(4096)],
    ['has what SQS does not take', 'a\u0000b\u001fc\ufffed', 'a\ufffdb\ufffdc\ufffdd'],
    ['would end in half a character', `${'x'.repeat(4095)}😀`, `${'x'.repeat(4095)}\ufffd`],
    ['is empty', '', '-'],
  ])('is there also when the reason %s', async (_, message, expected) => {
    const edge = anEdge({ m: fail(hold(message)) });
    await edge.send('m');
    await edge.deliver();
    expect(edge.setAside().map(({ attributes }) => attributes['explanation'])).toEqual([expected]);
  });
});
