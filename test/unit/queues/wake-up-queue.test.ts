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
  let nowMs = NOW.getTime();
  const sent: z.infer<typeof Sent>[] = [];
  const client = stubSqs((input) => {
    sent.push(Sent.parse(input));
    return answer();
  });
  return {
    queue: wakeUpQueue(client, 'http://127.0.0.1/wake-up', () => new Date(nowMs)),
    sent,
    advance: (ms: number) => {
      nowMs += ms;
    },
  };
}

describe('a wake-up', () => {
  it.each([
    ['now: in a second', 0, 1_000, 1],
    ['of the past: in a second', -60_000, 1_000, 1],
    ['in a moment: in a second', 1, 1_000, 1],
    ['in five seconds', 5_000, 5_000, 5],
    ['in a little more', 5_001, 5_001, 6],
    ['in an hour', 3_600_000, 3_600_000, 900],
  ])('%s', async (_, afterMs, comesAfterMs, DelaySeconds) => {
    const { queue, sent } = aQueue();
    await queue.wake(new Date(NOW.getTime() + afterMs));
    expect(sent).toEqual([
      {
        QueueUrl: 'http://127.0.0.1/wake-up',
        DelaySeconds,
        MessageBody: { version: 1, at: new Date(NOW.getTime() + comesAfterMs).toISOString() },
      },
    ]);
  });

  it('is sent once for all that ask before it comes, and again for who asks after', async () => {
    const { queue, sent, advance } = aQueue();
    const inMs = async (ms: number) =>
      await queue.wake(new Date(Date.parse(sent[0]?.MessageBody.at ?? '') + ms));
    await Promise.all([queue.wake(NOW), queue.wake(NOW)]);
    for (let asked = 0; asked < 10; asked += 1) {
      advance(100);
      await inMs(asked * 1_000);
    }
    expect(sent).toHaveLength(1);
    advance(1);
    await inMs(0);
    expect(sent.map(({ DelaySeconds }) => DelaySeconds)).toEqual([1, 1]);
  });

  it('is sent beside one that comes later', async () => {
    const { queue, sent } = aQueue();
    await queue.wake(new Date(NOW.getTime() + 60_000));
    await queue.wake(new Date(NOW.getTime() + 30_000));
    await queue.wake(new Date(NOW.getTime() + 40_000));
    expect(sent.map(({ DelaySeconds }) => DelaySeconds)).toEqual([60, 30]);
  });

  it('that could not be sent is not relied on', async () => {
    let isDown = true;
    const { queue, sent } = aQueue(() => {
      if (isDown) throw new Error('socket hang up');
      return {};
    });
    const together = await Promise.allSettled([queue.wake(NOW), queue.wake(NOW)]);
    expect(together.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    isDown = false;
    await queue.wake(NOW);
    expect(sent).toHaveLength(2);
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
