/** The sending side of the runs queue: nothing is said to be durable that is not, and every batch fits. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { FleetReflexError } from '../../../lib/errors.ts';
import { runIdFor } from '../../../lib/model/run-id.ts';
import type { RunRequest } from '../../../lib/model/run-request.ts';
import { messageText } from '../../../lib/queues/message-text.ts';
import { fitsInMessage, runsQueue } from '../../../lib/queues/runs-queue.ts';
import { stubSqs } from '../../fixtures/sqs-stub.ts';

const QUEUE_URL = 'http://127.0.0.1/000000000000/runs';
/** What SQS takes: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html */
const BATCH = { entries: 10, bytes: 262_144 };

function aRequest(index: number, subject = 'High5xx'): RunRequest {
  return {
    version: 1,
    runId: runIdFor('r', 'generic', String(index)),
    rule: 'r',
    trigger: { source: 'generic', type: 'generic.received', id: String(index), subject },
    notify: [],
    requestedAt: '2026-11-20T10:35:00.000Z',
    action: 'cancel',
    targetRule: 'r',
  };
}

const Batch = z.object({
  QueueUrl: z.literal(QUEUE_URL),
  Entries: z.array(
    z.object({
      Id: z.string(),
      MessageBody: z.string(),
      MessageGroupId: z.string(),
      MessageAttributes: z.record(z.string(), z.object({ DataType: z.string(), StringValue: z.string() })),
    }),
  ),
});
type Batch = z.infer<typeof Batch>;

const allOf = ({ Entries }: Batch) => ({ Successful: Entries.map(({ Id }) => ({ Id })) });

/** A queue that answers each batch in its own way, and the batches that it got. */
function aQueue(answer: (batch: Batch) => object | Promise<object> = allOf) {
  const batches: Batch[] = [];
  const client = stubSqs((input) => {
    const batch = Batch.parse(input);
    batches.push(batch);
    return answer(batch);
  });
  return { queue: runsQueue(client, QUEUE_URL), batches };
}

/** As SQS counts: bodies, and attributes by name, type and value. */
function bytesOf({ Entries }: Batch): number {
  return Entries.reduce((sum, { MessageBody, MessageAttributes }) => {
    const attributes = Object.entries(MessageAttributes).flatMap(([name, it]) => [
      name,
      it.DataType,
      it.StringValue,
    ]);
    return sum + Buffer.byteLength(MessageBody) + Buffer.byteLength(attributes.join(''));
  }, 0);
}

describe('requests', () => {
  it('go as one message each, with run and rule as attributes', async () => {
    const { queue, batches } = aQueue();
    const request = aRequest(1);
    await queue.send([request]);
    expect(batches).toEqual([
      {
        QueueUrl: QUEUE_URL,
        Entries: [
          {
            Id: '0',
            MessageBody: JSON.stringify(request),
            // The tenant of fair queues.
            MessageGroupId: 'generic',
            MessageAttributes: {
              runId: { DataType: 'String', StringValue: request.runId },
              rule: { DataType: 'String', StringValue: 'r' },
            },
          },
        ],
      },
    ]);
  });

  it.each([
    ['of another source', 'github', 'github'],
    ['of a name that SQS would refuse', 'søurce 1', 's_urce_1'],
    ['of a name that is too long', 'x'.repeat(200), 'x'.repeat(128)],
    ['without a name', '', '-'],
  ])('%s are of another tenant', async (_, source, tenant) => {
    const { queue, batches } = aQueue();
    const request = aRequest(1);
    await queue.send([request, { ...request, trigger: { ...request.trigger, source } }]);
    expect(batches.flatMap(({ Entries }) => Entries.map((entry) => entry.MessageGroupId))).toEqual([
      'generic',
      tenant,
    ]);
  });

  it('that are none send nothing', async () => {
    const { queue, batches } = aQueue();
    await queue.send([]);
    expect(batches).toEqual([]);
  });

  it('of any number and size go in batches that SQS takes, each once, in their order', async () => {
    const size = fc.oneof(
      { weight: 4, arbitrary: fc.nat(2000) },
      { weight: 2, arbitrary: fc.integer({ min: 60_000, max: 250_000 }) },
    );
    const letter = fc.constantFrom('a', 'é', '\n', '😀', '\uffff');
    await fc.assert(
      fc.asyncProperty(fc.array(size, { maxLength: 40 }), letter, async (sizes, character) => {
        const requests = sizes.map((length, index) =>
          aRequest(index, character.repeat(length / messageText(character).length)),
        );
        const { queue, batches } = aQueue();
        await queue.send(requests);
        for (const batch of batches) {
          expect(batch.Entries.length).toBeLessThanOrEqual(BATCH.entries);
          expect(bytesOf(batch)).toBeLessThanOrEqual(BATCH.bytes);
          expect(new Set(batch.Entries.map(({ Id }) => Id)).size).toBe(batch.Entries.length);
        }
        const sent = batches.flatMap(({ Entries }) =>
          Entries.map(({ MessageBody }) => JSON.parse(MessageBody)),
        );
        expect(sent).toEqual(requests);
      }),
      { numRuns: 60 },
    );
  });

  it('fill a batch before they begin another', async () => {
    const { queue, batches } = aQueue();
    await queue.send(Array.from({ length: 23 }, (_, index) => aRequest(index)));
    expect(batches.map(({ Entries }) => Entries.length)).toEqual([10, 10, 3]);
  });

  it('that fit in no message are refused before anything is sent', async () => {
    const { queue, batches } = aQueue();
    const large = aRequest(2, 'x'.repeat(BATCH.bytes));
    await expect(queue.send([aRequest(1), large])).rejects.toMatchObject({
      code: 'request.tooLarge',
      disposition: 'drop',
    });
    expect(batches).toEqual([]);
    expect([fitsInMessage(aRequest(1)), fitsInMessage(large)]).toEqual([true, false]);
  });
});

describe('a batch is not durable', () => {
  it.each<[string, (batch: Batch) => object]>([
    [
      'when an entry failed',
      ({ Entries: [first, ...rest] }) => ({
        Successful: rest.map(({ Id }) => ({ Id })),
        Failed: [{ Id: first?.Id, Code: 'InternalError', Message: 'try again', SenderFault: false }],
      }),
    ],
    ['when an entry is not in the answer', ({ Entries }) => ({ Successful: Entries.slice(1) })],
    ['when the answer is empty', () => ({})],
    [
      'when there is no answer',
      () => {
        throw new Error('socket hang up');
      },
    ],
  ])('%s, and whoever sent it is to come back', async (_, answer) => {
    const { queue } = aQueue(answer);
    const thrown = await queue.send([aRequest(1), aRequest(2)]).catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(FleetReflexError);
    expect(thrown).toMatchObject({ code: 'queue.unavailable', disposition: 'retry' });
  });

  it('and the others have been answered when that is said', async () => {
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
    let isSecondAnswered = false;
    const { queue, batches } = aQueue(async (batch) => {
      if (batch.Entries.length > 1) throw new Error('socket hang up');
      await answered;
      isSecondAnswered = true;
      return allOf(batch);
    });
    const sending = queue.send(Array.from({ length: 11 }, (_, index) => aRequest(index)));
    answer();
    await expect(sending).rejects.toMatchObject({ code: 'queue.unavailable' });
    expect([batches.length, isSecondAnswered]).toEqual([2, true]);
  });
});

describe('the text of a message', () => {
  // What SQS takes, and of that what one UTF-16 unit holds.
  const TAKEN = /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd]*$/;

  it('has nothing that a queue refuses, and means the same', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
        const text = messageText(value);
        expect(text).toMatch(TAKEN);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it.each([
    ['😀', '"\\ud83d\\ude00"'],
    ['\uffff', '"\\uffff"'],
    ['\ud83d', '"\\ud83d"'],
    ['é\n', '"é\\n"'],
  ])('of %j is %s', (value, expected) => {
    expect(messageText(value)).toBe(expected);
  });
});
