/** What was decided about events has a queue of its own: it delays no run, and neither is answered without the other. */
import { afterAll, describe, expect, it } from 'vitest';
import { FleetReflexError } from '../../lib/errors.ts';
import type { EventRecord } from '../../lib/model/decision.ts';
import { queueHandler } from '../../lib/queues/consume.ts';
import { recordsQueue } from '../../lib/queues/records-queue.ts';
import { keepRecord } from '../../lib/runs/keep-record.ts';
import { dynamoAuditLog } from '../../lib/store/dynamodb-audit-log.ts';
import { dynamoEventLog } from '../../lib/store/dynamodb-event-log.ts';
import { capturedLog } from '../fixtures/captured-log.ts';
import { aLambdaContext, eventOf } from '../fixtures/http-events.ts';
import { aRunsQueueWorld } from '../fixtures/runs-queue-world.ts';
import { startRunsTable } from '../fixtures/runs-table.ts';
import { NOW, samplesOf, signedSample } from '../fixtures/signed-requests.ts';
import { startSqs } from '../fixtures/sqs.ts';
import { aDoor } from '../fixtures/webhook-door.ts';

const sqs = await startSqs();
const table = await startRunsTable();
afterAll(async () => {
  await sqs.stop();
  await table.stop();
});

const aRecord = (eventId: string): EventRecord => ({
  version: 1,
  action: 'event',
  source: 'records-test',
  eventId,
  type: 'deploy.push',
  time: NOW.toISOString(),
  receivedAt: new Date().toISOString(),
  matched: [],
  unmatched: [{ rule: 'deploy', because: 'it is Friday' }],
});

function aKeeper() {
  const [queueUrl, deadLetterUrl] = [sqs.makeQueue('records'), sqs.makeQueue('records-dlq')];
  const events = dynamoEventLog(table);
  const audit = dynamoAuditLog({ ...table, days: 400 });
  const log = capturedLog();
  const handler = queueHandler({
    client: sqs.client,
    queueUrl,
    deadLetterUrl,
    log,
    handle: (record) => keepRecord(record, { events, audit }),
  });
  return {
    queueUrl,
    events,
    audit,
    queue: recordsQueue(sqs.client, queueUrl),
    deliver: () => sqs.deliver(queueUrl, (event) => handler(event, aLambdaContext())),
    setAside: () => sqs.messagesIn(deadLetterUrl),
  };
}

describe('a record', () => {
  it('is kept as it was sent', async () => {
    const keeper = aKeeper();
    const records = [aRecord('a'), aRecord('b')];
    await keeper.queue.send(records);
    expect(await keeper.deliver()).toEqual({ batchItemFailures: [] });
    const { events } = await keeper.events.list({ limit: 10, source: 'records-test' });
    expect(events.toSorted((a, b) => (a.eventId < b.eventId ? -1 : 1))).toEqual(records);
  });

  it.each([
    ['a run request', JSON.stringify({ version: 1, action: 'run', runId: 'run-1' })],
    ['a record of a later version', JSON.stringify({ ...aRecord('c'), version: 2 })],
    ['no JSON', 'hello'],
  ])('that is %s is set aside, and nothing is kept or run', async (_, body) => {
    const keeper = aKeeper();
    await sqs.send(keeper.queueUrl, body);
    expect(await keeper.deliver()).toEqual({ batchItemFailures: [] });
    expect(keeper.setAside().map(({ body: kept, attributes }) => [kept, attributes['reason']])).toEqual([
      [body, 'record.invalid'],
    ]);
  });
});

describe('a redrive', () => {
  const note = { version: 1, action: 'redrive', queue: 'runs', count: 3, at: new Date().toISOString() };

  it('is in the audit, by whom SQS says and not the message', async () => {
    const keeper = aKeeper();
    await sqs.send(keeper.queueUrl, JSON.stringify(note));
    expect(await keeper.deliver()).toEqual({ batchItemFailures: [] });
    const since = new Date(Date.now() - 60_000).toISOString();
    const { entries } = await keeper.audit.list({ limit: 10, act: 'queue.redriven', since });
    expect(entries).toMatchObject([
      {
        message: '3 messages were moved from runs-dlq back to runs.',
        details: { queue: 'runs', count: '3' },
      },
    ]);
    expect(entries[0]?.actor?.source).toBe('aws');
  });

  it.each([
    ['names somebody', { ...note, actor: { id: 'ann', source: 'api' } }],
    ['moved nothing', { ...note, count: 0 }],
  ])('that %s is set aside', async (_, body) => {
    const keeper = aKeeper();
    await sqs.send(keeper.queueUrl, JSON.stringify(body));
    await keeper.deliver();
    expect(keeper.setAside()).toHaveLength(1);
  });
});

describe('the door answers', () => {
  const unavailable = new FleetReflexError('queue.unavailable', 'throttled', { disposition: 'retry' });
  const alert = () => {
    const sample = samplesOf('alertmanager').find(({ file }) => file === 'alertmanager.json');
    if (sample === undefined) throw new Error('no sample');
    return eventOf('alertmanager', signedSample(sample));
  };

  it('with 503 when the record could not be sent, and the repetition asks for the same run', async () => {
    let isDown = true;
    const door = aDoor({
      recordsQueue: {
        async send() {
          if (isDown) throw unavailable;
        },
      },
    });
    expect((await door.receive(alert())).statusCode).toBe(503);
    isDown = false;
    expect((await door.receive(alert())).statusCode).toBe(202);
    expect(door.sent).toHaveLength(2);
    expect(new Set(door.sent.map(({ runId }) => runId)).size).toBe(1);
  });

  it.each(['runsQueue', 'recordsQueue'] as const)('only when the slower is done: %s', async (slow) => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const order: string[] = [];
    const door = aDoor({
      runsQueue: { send: () => Promise.reject(unavailable) },
      recordsQueue: { send: () => Promise.reject(unavailable) },
      [slow]: {
        async send() {
          await released;
          order.push('sent');
        },
      },
    });
    const answering = door.receive(alert()).then(({ statusCode }) => order.push(String(statusCode)));
    release();
    await answering;
    // The other has failed at once: nothing is on its way any more when that is said.
    expect(order).toEqual(['sent', '503']);
  });
});

describe('dispatch', () => {
  it('keeps the records that came with runs', async () => {
    const world = aRunsQueueWorld(table);
    const records = ['1', '2', '3'].map((id) => ({ ...aRecord(id), source: 'with-runs' }));
    const handled = await Promise.all(records.map((record) => world.take(record)));
    expect(handled).toEqual(records.map(() => ({ kind: 'done' })));
    const { events } = await world.eventLog.list({ limit: 10, source: 'with-runs' });
    expect(events.toSorted((a, b) => (a.eventId < b.eventId ? -1 : 1))).toEqual(records);
  });
});
