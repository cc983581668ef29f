/** Completion events go out together, each run's in their order, and what fails of one destination fails for its runs. */
import { afterAll, describe, expect, it } from 'vitest';
import { publish, runEvent, type Telling } from '../../../lib/completions/publish.ts';
import { sqsDestinations } from '../../../lib/completions/sqs-destination.ts';
import type { CompletionEvent } from '../../../lib/model/completion-event.ts';
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
  const groups: (string | undefined)[] = [];
  const client = stubSqs((input) => {
    const { QueueName, QueueUrl, Entries } = Object.assign(
      { QueueName: '', QueueUrl: '', Entries: [] },
      input,
    );
    if (QueueName !== '') return { QueueUrl: `http://queue/${QueueName}` };
    const ids = Entries.map(({ MessageBody }) => String(Object(JSON.parse(MessageBody)).id));
    calls.push(ids);
    groups.push(...Entries.map(({ MessageGroupId }) => MessageGroupId));
    return {
      Successful: ids.map((_, index) => ({ Id: String(index) })),
      ...answer(QueueUrl.split('/').at(-1) ?? '', ids),
    };
  });
  const replies: string[] = [];
  const context = {
    stage: 'test',
    resolve: sqsDestinations(client),
    reply: async ({ id }: CompletionEvent) => void replies.push(id),
  };
  return { calls, groups, replies, tell: (...tellings: Telling[]) => publish(tellings, context) };
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

  it('fail for those runs whose destination did not take all, and no chat is told of them', async () => {
    const { replies, tell } = aPublisher((queue, ids) =>
      queue === 'bad' ? { Successful: [], Failed: ids.map((_, Id) => ({ Id, Code: 'Down' })) } : {},
    );
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

  it('cost no call for a run without destinations', async () => {
    const { calls, tell } = aPublisher(() => ({}));
    expect(await tell(aTelling(1), aTelling(0, 'all'))).toHaveLength(2);
    expect(calls).toEqual([]);
  });

  it('say which queue is missing', async () => {
    const context = { stage: 'test', resolve: sqsDestinations(sqs.client), reply: async () => {} };
    expect(await publish([aTelling(1, 'nowhere')], context)).toMatchObject([
      { status: 'rejected', reason: { code: 'destination.missing' } },
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
