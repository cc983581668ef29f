/** The wake-up queue: to the second, never longer than SQS delays, and its loss is told. */
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { WakeUp, wakeUpQueue } from '../../../lib/queues/wake-up-queue.ts';
import { stubSqs } from '../../fixtures/sqs-stub.ts';

const NOW = new Date('2026-11-20T10:35:00.000Z');
const Sent = z.object({
  QueueUrl: z.string(),
  DelaySeconds: z.number(),
  MessageBody: z.string().transform((body) => WakeUp.parse(JSON.parse(body))),
});

function aQueue(answer: () => object = () => ({ MessageId: 'm' })) {
  const sent: z.infer<typeof Sent>[] = [];
  const client = stubSqs((input) => {
    sent.push(Sent.parse(input));
    return answer();
  });
  return { queue: wakeUpQueue(client, 'http://127.0.0.1/wake-up', () => NOW), sent };
}

describe('a wake-up', () => {
  it.each([
    ['now', 0, 0],
    ['of the past', -60_000, 0],
    ['in a moment', 1, 1],
    ['in five seconds', 5_000, 5],
    ['in a little more', 5_001, 6],
    ['in an hour', 3_600_000, 900],
  ])('%s', async (_, afterMs, DelaySeconds) => {
    const { queue, sent } = aQueue();
    const at = new Date(NOW.getTime() + afterMs);
    await queue.wake(at);
    expect(sent).toEqual([
      {
        QueueUrl: 'http://127.0.0.1/wake-up',
        DelaySeconds,
        MessageBody: { version: 1, at: at.toISOString() },
      },
    ]);
  });

  it('with news is at once, and carries them', async () => {
    const { queue, sent } = aQueue();
    const news = [{ provider: 'alibaba' as const, invocationId: 't-1' }];
    await queue.tell(news);
    expect(sent).toEqual([
      {
        QueueUrl: 'http://127.0.0.1/wake-up',
        DelaySeconds: 0,
        MessageBody: { version: 1, at: NOW.toISOString(), news },
      },
    ]);
  });

  it('that could not be sent is to be tried again', async () => {
    const { queue } = aQueue(() => {
      throw new Error('socket hang up');
    });
    const expected = { code: 'queue.unavailable', disposition: 'retry' };
    await expect(queue.wake(NOW)).rejects.toMatchObject(expected);
    await expect(queue.tell([])).rejects.toMatchObject(expected);
  });
});
