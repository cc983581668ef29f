/** Completion events go out together, each run's in their order, and what fails of one destination fails for its runs. */
import { afterAll, describe, expect, it } from 'vitest';
import { destinationsOf } from '../../../lib/completions/destinations.ts';
import { publish, runEvent, type Telling } from '../../../lib/completions/publish.ts';
import { silent } from '../../../lib/logging.ts';
import type { CompletionEvent } from '../../../lib/model/completion-event.ts';
import type { DestinationRef } from '../../../lib/model/destination-ref.ts';
import { deliveriesQueue } from '../../../lib/queues/deliveries-queue.ts';
import { aRun } from '../../contract/run-store-contract.ts';
import { startSqs } from '../../fixtures/sqs.ts';
import { stubSqs } from '../../fixtures/sqs-stub.ts';

const sqs = await startSqs();
afterAll(() => sqs.stop());

const NOW = new Date();

/** So many events of a new run, for these queues. */
function aTelling(count: number, ...queues: string[]): Telling & { ids: string[] } {
  const run = aRun({ notify: queues.map((name) => ({ name, sqs: name })) });
  const event = runEvent(run, 'fleet-reflex.run.started', [], 'test', NOW);
  const events = Array.from({ length: count }, (_, index) => ({ ...event, id: `${run.runId}/${index}` }));
  return { run, events, ids: events.map(({ id }) => id) };
}

function aPublisher(answer: (queue: string, ids: string[]) => object) {
  const calls: string[][] = [];
  const queued: { destination: string; id: string }[][] = [];
  const groups: (string | undefined)[] = [];
  const client = stubSqs((input) => {
    const { QueueName, QueueUrl, Entries } = Object.assign(
      { QueueName: '', QueueUrl: '', Entries: [] },
      input,
    );
    if (QueueName !== '') return { QueueUrl: `http://queue/${QueueName}` };
    const bodies = Entries.map(({ MessageBody }) => Object(JSON.parse(MessageBody)));
    const isQueued = QueueUrl.endsWith('/deliveries');
    const ids = bodies.map((body) => String(isQueued ? body.event.id : body.id));
    if (isQueued)
      queued.push(bodies.map(({ destination, event: { id } }) => ({ destination: destination.name, id })));
    else {
      calls.push(ids);
      groups.push(...Entries.map(({ MessageGroupId }) => MessageGroupId));
    }
    return {
      Successful: ids.map((_, index) => ({ Id: String(index) })),
      ...answer(QueueUrl.split('/').at(-1) ?? '', ids),
    };
  });
  const replies: string[] = [];
  const context = {
    stage: 'test',
    resolve: destinationsOf({
      client,
      deliveries: deliveriesQueue(client, 'http://queue/deliveries'),
      log: silent,
    }),
    reply: async ({ id }: CompletionEvent) => void replies.push(id),
  };
  return { calls, queued, groups, replies, tell: (...tellings: Telling[]) => publish(tellings, context) };
}

describe('the events of many runs', () => {
  it('share calls, ten in each, in the order of each run', async () => {
    const { calls, tell } = aPublisher(() => ({}));
    const tellings = [aTelling(2, 'all'), aTelling(7, 'all'), aTelling(3, 'all')];
    const outcomes = await tell(...tellings);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled']);
    expect(calls.map(({ length }) => length)).toEqual([10, 2]);
    expect(calls.flat()).toEqual(tellings.flatMap(({ ids }) => ids));
  });

  it('are told to each destination once, also where two names are one queue', async () => {
    const { calls, tell } = aPublisher(() => ({}));
    await tell(aTelling(1, 'one', 'two', 'one'));
    expect(calls).toHaveLength(2);
  });

  it('are told to a destination of one outcome only at an end of that outcome', async () => {
    const ended = (
      status: 'succeeded' | 'failed' | 'rejected',
      ...outcomes: ('succeeded' | 'failed' | undefined)[]
    ) => {
      const run = aRun({ status, notify: outcomes.map((outcome) => ({ name: 'q', sqs: 'q', outcome })) });
      const end = status === 'rejected' ? 'fleet-reflex.run.rejected' : 'fleet-reflex.run.completed';
      const types = ['fleet-reflex.run.started', end] as const;
      return { run, events: types.map((type) => runEvent(run, type, [], 'test', NOW)) };
    };
    const told = async (telling: Telling) => {
      const { calls, tell } = aPublisher(() => ({}));
      await tell(telling);
      return calls.flat().map((id) => id.split('/').at(-1));
    };
    expect(await told(ended('failed', 'failed'))).toEqual(['failed']);
    expect(await told(ended('rejected', 'failed'))).toEqual(['rejected']);
    expect(await told(ended('succeeded', 'failed'))).toEqual([]);
    expect(await told(ended('succeeded', 'succeeded', 'failed'))).toEqual(['succeeded']);
    expect(await told(ended('failed', 'failed', undefined))).toEqual(['started', 'failed']);
  });

  const down = (ids: string[]) => ({
    Successful: [],
    Failed: ids.map((_, index) => ({ Id: String(index), Code: 'Down' })),
  });

  it('are told to one destination once although another one did not take them: those wait on a queue', async () => {
    const { calls, queued, replies, tell } = aPublisher((queue, ids) => (queue === 'bad' ? down(ids) : {}));
    const telling = aTelling(2, 'good', 'bad');
    const run = { ...telling.run, replyTo: { via: 'slack', address: {} } };
    expect(await tell({ ...telling, run })).toMatchObject([{ status: 'fulfilled' }]);
    expect(calls).toEqual([telling.ids, telling.ids]);
    expect(queued).toEqual([telling.ids.map((id) => ({ destination: 'bad', id }))]);
    expect(replies).toEqual(telling.ids);
  });

  it('wait on the queue only as far as they were not taken', async () => {
    const { queued, tell } = aPublisher((queue, ids) =>
      queue === 'half'
        ? {
            Successful: [{ Id: '0' }],
            Failed: ids.slice(1).map((_, index) => ({ Id: String(index + 1), Code: 'Down' })),
          }
        : {},
    );
    const telling = aTelling(3, 'half');
    await tell(telling);
    expect(queued.flat().map(({ id }) => id)).toEqual(telling.ids.slice(1));
  });

  it('fail for those runs of which something is durable nowhere, and no chat is told of them', async () => {
    const { replies, tell } = aPublisher((queue, ids) => (queue === 'good' ? {} : down(ids)));
    const chat = { replyTo: { via: 'slack', address: {} } };
    const [good, bad] = [aTelling(1, 'good'), aTelling(1, 'good', 'bad')];
    const outcomes = await tell(
      { ...good, run: { ...good.run, ...chat } },
      { ...bad, run: { ...bad.run, ...chat } },
    );
    expect(outcomes).toMatchObject([
      { status: 'fulfilled' },
      { status: 'rejected', reason: { code: 'queue.unavailable', disposition: 'retry' } },
    ]);
    expect(replies).toEqual(good.ids);
  });

  it('for other destinations than queues go on the queue deliveries, all of them in one call', async () => {
    const { calls, queued, tell } = aPublisher(() => ({}));
    const telling = aTelling(2, 'all');
    const others: DestinationRef[] = [
      { name: 'audit', sns: 'audit' },
      { name: 'bus', eventbridge: 'default' },
      { name: 'hook', webhook: 'https://hook.example/x' },
      { name: 'hook-2', webhook: 'https://hook.example/x' },
    ];
    const notify = [...telling.run.notify, ...others];
    await tell({ ...telling, run: { ...telling.run, notify } });
    expect(calls).toEqual([telling.ids]);
    expect(queued).toEqual([
      others.flatMap(({ name }) => telling.ids.map((id) => ({ destination: name, id }))),
    ]);
  });

  it('cost no call for a run without destinations', async () => {
    const { calls, tell } = aPublisher(() => ({}));
    expect(await tell(aTelling(1), aTelling(0, 'all'))).toHaveLength(2);
    expect(calls).toEqual([]);
  });

  it('wait on the queue where there is no queue of that name', async () => {
    const url = sqs.makeQueue('deliveries');
    const resolve = destinationsOf({
      client: sqs.client,
      deliveries: deliveriesQueue(sqs.client, url),
      log: silent,
    });
    const telling = aTelling(1, 'nowhere');
    expect(await publish([telling], { stage: 'test', resolve, reply: async () => {} })).toMatchObject([
      { status: 'fulfilled' },
    ]);
    expect(sqs.messagesIn(url).map(({ body }) => JSON.parse(body))).toEqual([
      { version: 1, destination: { name: 'nowhere', sqs: 'nowhere' }, event: telling.events[0] },
    ]);
  });
});

it('on a FIFO queue stay in order over several calls, each run a group', async () => {
  const { calls, groups, tell } = aPublisher(() => ({}));
  const telling = aTelling(25, 'all.fifo');
  await tell(telling);
  expect(calls.flat()).toEqual(telling.ids);
  expect(new Set(groups)).toEqual(new Set(telling.events.map(({ subject }) => subject)));
});
