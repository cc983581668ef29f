/** What every kind of destination does, against a stand-in that its vendor's own client speaks to. */
import type { SQSRecord } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deliverer } from '../../lib/completions/deliver.ts';
import type { Sender } from '../../lib/completions/destination.ts';
import { silent } from '../../lib/logging.ts';
import type { CompletionEvent } from '../../lib/model/completion-event.ts';
import { CompletionEvent as EventSchema } from '../../lib/model/completion-event.ts';
import type { DestinationRef } from '../../lib/model/destination-ref.ts';
import { aCompletionEvent } from '../fixtures/completion-events.ts';

export interface DestinationWorld {
  ref: DestinationRef;
  /** One that speaks to a place that is not there. */
  lost: { ref: DestinationRef; code: string };
  senderOf(ref: DestinationRef): Sender;
  /** What the consumer has got, in any order. */
  arrived(): Promise<unknown[]>;
  /** Every request fails, as it does when the service is down. */
  isDown(is: boolean): void;
  /** Of the next request the entry of this event is answered as failed; the others are taken. */
  failOnce(id: string): void;
  stop(): Promise<void>;
}

export function destinationContract(name: string, make: () => Promise<DestinationWorld>): void {
  describe(`the destination ${name}`, () => {
    let world: DestinationWorld;
    let sender: Sender;
    beforeAll(async () => {
      world = await make();
      sender = world.senderOf(world.ref);
    });
    afterAll(() => world.stop());

    const DELIVERED = { kind: 'delivered' };
    /** Of these events, those that arrived, each as often as it did. */
    const idsOf = async (...events: CompletionEvent[]): Promise<string[]> => {
      const ids = new Set(events.map(({ id }) => id));
      return (await world.arrived()).map((it) => EventSchema.parse(it).id).filter((id) => ids.has(id));
    };

    it('gets each event as it is, under its id', async () => {
      const event = aCompletionEvent();
      expect(await sender.send([event])).toEqual([DELIVERED]);
      const arrived = (await world.arrived()).map((it) => EventSchema.parse(it));
      expect(arrived.filter(({ id }) => id === event.id)).toEqual([event]);
    });

    it('gets as many as there are, in as many requests as it takes', async () => {
      const events = Array.from({ length: 23 }, () => aCompletionEvent());
      expect(await sender.send(events)).toEqual(events.map(() => DELIVERED));
      expect((await idsOf(...events)).toSorted()).toEqual(events.map(({ id }) => id).toSorted());
    });

    it('gets a repetition under the same id', async () => {
      const event = aCompletionEvent();
      await sender.send([event]);
      expect(await sender.send([event])).toEqual([DELIVERED]);
      expect(new Set(await idsOf(event))).toEqual(new Set([event.id]));
    });

    it('takes events as large as they may be', async () => {
      const events = [aCompletionEvent(199_000), aCompletionEvent(199_000), aCompletionEvent(5_000_000)];
      expect(await sender.send(events)).toEqual([DELIVERED, DELIVERED, DELIVERED]);
      expect((await idsOf(...events)).toSorted()).toEqual(events.map(({ id }) => id).toSorted());
    });

    it('is told of one that failed, and of it alone', async () => {
      const events = [aCompletionEvent(), aCompletionEvent(), aCompletionEvent()];
      world.failOnce(events[1]?.id ?? '');
      expect((await sender.send(events)).map(({ kind }) => kind)).toEqual([
        'delivered',
        'failed',
        'delivered',
      ]);
      expect((await idsOf(...events)).toSorted()).toEqual([events[0]?.id, events[2]?.id].toSorted());
    });

    it('that is down is tried later; then it gets what it missed', async () => {
      const event = aCompletionEvent();
      world.isDown(true);
      expect(await sender.send([event])).toMatchObject([
        { kind: 'failed', error: { code: 'destination.unavailable', disposition: 'retry' } },
      ]);
      world.isDown(false);
      expect(await idsOf(event)).toEqual([]);
      expect(await sender.send([event])).toEqual([DELIVERED]);
      expect(await idsOf(event)).toEqual([event.id]);
    });

    it('that is not there says so, and what to do', async () => {
      const [outcome] = await world.senderOf(world.lost.ref).send([aCompletionEvent()]);
      expect(outcome).toMatchObject({ kind: 'failed', error: { code: world.lost.code } });
    });

    it('that is down delays no other, and is tried again by itself', async () => {
      const others: string[] = [];
      let now = Date.now();
      const deliver = deliverer({
        senderOf: async (ref) =>
          ref.name === world.ref.name
            ? sender
            : {
                send: async (events) => {
                  others.push(...events.map(({ id }) => id));
                  return events.map(() => ({ kind: 'delivered' }));
                },
              },
        log: silent,
        now: () => new Date(now),
      });
      const other = { name: 'other', log: 'other' };
      const [mine, theirs] = [aCompletionEvent(), aCompletionEvent()];
      world.isDown(true);
      const first = await Promise.allSettled([
        deliver(aDelivery(world.ref, mine, now)),
        deliver(aDelivery(other, theirs, now)),
      ]);
      expect(first).toMatchObject([
        { status: 'rejected', reason: { code: 'destination.unavailable', disposition: 'retry' } },
        { status: 'fulfilled', value: { kind: 'done' } },
      ]);
      expect(others).toEqual([theirs.id]);
      // Down a moment ago: the next is not even tried, and costs no time-out.
      expect(await deliver(aDelivery(world.ref, aCompletionEvent(), now))).toMatchObject({ kind: 'retry' });
      world.isDown(false);
      now += 60_000;
      expect(await deliver(aDelivery(world.ref, mine, now, 2))).toEqual({ kind: 'done' });
      expect(await idsOf(mine)).toEqual([mine.id]);
    });
  });
}

/** As the queue has it. */
export function aDelivery(
  destination: DestinationRef,
  event: CompletionEvent,
  sentAt: number,
  received = 1,
): SQSRecord {
  return {
    messageId: event.id,
    receiptHandle: event.id,
    body: JSON.stringify({ version: 1, destination, event }),
    md5OfBody: '',
    attributes: {
      ApproximateReceiveCount: String(received),
      SentTimestamp: String(sentAt),
      SenderId: 'test',
      ApproximateFirstReceiveTimestamp: String(sentAt),
    },
    messageAttributes: {},
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:us-east-1:000000000000:deliveries',
    awsRegion: 'us-east-1',
  };
}
