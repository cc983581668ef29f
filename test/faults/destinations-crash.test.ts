/**
 * A process that dies at any call while it tells several destinations: the next one tells what is left. Nothing is lost
 * for any destination, whatever is told twice has one id, and who is not told says so.
 */
import { expect, it } from 'vitest';
import { destinationsOf } from '../../lib/completions/destinations.ts';
import { publish, type Telling } from '../../lib/completions/publish.ts';
import { silent } from '../../lib/logging.ts';
import type { DestinationRef } from '../../lib/model/destination-ref.ts';
import { deliveriesQueue } from '../../lib/queues/deliveries-queue.ts';
import { aRun } from '../contract/run-store-contract.ts';
import { aCompletionEvent } from '../fixtures/completion-events.ts';
import { CRASH, type Failpoint } from '../fixtures/dying.ts';
import { stubSqs } from '../fixtures/sqs-stub.ts';

const NOTIFY: DestinationRef[] = [
  { name: 'ops', sqs: 'ops' },
  { name: 'ordered', sqs: 'ordered.fifo' },
  { name: 'hook', webhook: 'https://hook.example/x' },
  { name: 'audit', sns: 'audit' },
];

/** Queues that survive the processes. */
function aWorld() {
  const told: { destination: string; id: string }[] = [];
  const clientOf = (point: Failpoint) =>
    stubSqs((input) => {
      const { QueueName, QueueUrl, Entries } = Object.assign(
        { QueueName: '', QueueUrl: '', Entries: [] },
        input,
      );
      point.calls += 1;
      const isPoint = point.calls === point.at;
      if (point.calls > point.at || (isPoint && point.when === 'before')) throw new Error(CRASH);
      const queue = QueueUrl.split('/').at(-1) ?? '';
      for (const { MessageBody } of Entries) {
        const body = Object(JSON.parse(MessageBody));
        told.push(
          queue === 'deliveries'
            ? { destination: body.destination.name, id: body.event.id }
            : { destination: queue.replace('.fifo', ''), id: body.id },
        );
      }
      if (isPoint) throw new Error(CRASH);
      if (QueueName !== '') return { QueueUrl: `http://queue/${QueueName}` };
      return { Successful: Entries.map((_, index) => ({ Id: String(index) })) };
    });
  /** In a process of its own. */
  const tell = async (telling: Telling, point: Failpoint) => {
    const client = clientOf(point);
    const resolve = destinationsOf({
      client,
      deliveries: deliveriesQueue(client, 'http://queue/deliveries'),
      log: silent,
    });
    const [outcome] = await publish([telling], { stage: 'test', resolve, reply: async () => {} });
    return outcome?.status;
  };
  return { told, tell };
}

const NEVER = Number.POSITIVE_INFINITY;
const aTelling = (): Telling => ({
  run: { ...aRun(), notify: NOTIFY },
  events: Array.from({ length: 12 }, () => aCompletionEvent()),
});
const expected = ({ events }: Telling) =>
  NOTIFY.flatMap(({ name }) => events.map(({ id }) => `${name} ${id}`));
const asText = (told: readonly { destination: string; id: string }[]) =>
  told.map(({ destination, id }) => `${destination} ${id}`);

it('without a death each destination is told each event once', async () => {
  const { told, tell } = aWorld();
  const telling = aTelling();
  expect(await tell(telling, { at: NEVER, when: 'before', calls: 0 })).toBe('fulfilled');
  expect(asText(told).toSorted()).toEqual(expected(telling).toSorted());
});

it.each(['before', 'after'] as const)('dying %s the effect of any call loses nothing', async (when) => {
  let deaths = 0;
  for (let at = 1; at < 50; at += 1) {
    const { told, tell } = aWorld();
    const telling = aTelling();
    const point: Failpoint = { at, when, calls: 0 };
    const status = await tell(telling, point);
    if (point.calls < at) break;
    deaths += 1;
    // Whether all is durable is said truly: what is said to be out is not told again.
    if (status !== 'fulfilled') {
      expect(await tell(telling, { at: NEVER, when, calls: 0 })).toBe('fulfilled');
    }
    expect({ at, told: [...new Set(asText(told))].toSorted() }).toEqual({
      at,
      told: expected(telling).toSorted(),
    });
  }
  // Two URLs of queues, two calls for each queue, and three for the 24 that go on `deliveries`, at least.
  expect(deaths).toBeGreaterThanOrEqual(9);
});
