/** What the functions count, where it happens. */
import { expect, it, onTestFinished } from 'vitest';
import { queueHandler } from '../../lib/queues/consume.ts';
import { dispatchRun } from '../../lib/runs/dispatch.ts';
import { pollerHandler } from '../../lib/runs/poller.ts';
import { capturedLog } from '../fixtures/captured-log.ts';
import { aLambdaContext, anHttpEvent } from '../fixtures/http-events.ts';
import { aRunWorld } from '../fixtures/run-world.ts';
import { startRunsTable } from '../fixtures/runs-table.ts';
import { samplesOf, signedSample } from '../fixtures/signed-requests.ts';
import { startSqs } from '../fixtures/sqs.ts';
import { aDoor } from '../fixtures/webhook-door.ts';

function captured() {
  const points: unknown[][] = [];
  return { points, metrics: { add: (...point: unknown[]) => void points.push(point) } };
}

it('a door counts what it accepts and what it refuses, and no name that a sender made up', async () => {
  const { points, metrics } = captured();
  const door = aDoor({ metrics });
  const [sample] = samplesOf('alertmanager');
  if (sample === undefined) throw new Error('alertmanager has no sample');
  await door.receive(anHttpEvent({ source: 'alertmanager', ...signedSample(sample) }));
  await door.receive(anHttpEvent({ source: 'alertmanager', body: '{}' }));
  await door.receive(anHttpEvent({ source: 'made-up-4711', body: '{}' }));
  expect(points).toEqual([
    ['EventsAccepted', expect.any(Number), { source: 'alertmanager' }],
    ['EventsRefused', 1, { source: 'alertmanager' }],
    ['EventsRefused', 1, { source: 'unknown' }],
  ]);
});

it('dispatch counts a run that is sent, by its cloud and region', async () => {
  const table = await startRunsTable();
  onTestFinished(() => table.stop());
  const world = aRunWorld(table);
  const { points, metrics } = captured();
  const request = world.request();
  await dispatchRun(request, { ...world.context, metrics });
  // Again: it is known, and nothing is sent.
  await dispatchRun(request, { ...world.context, metrics });
  expect(points).toEqual([
    ['RunsSent', 1, expect.objectContaining({ provider: 'tencent', region: expect.any(String) })],
  ]);
});

it('the poller says how long each call took', async () => {
  const table = await startRunsTable();
  onTestFinished(() => table.stop());
  const world = aRunWorld(table);
  const { points, metrics } = captured();
  const handler = pollerHandler({
    ...world.context,
    metrics,
    log: capturedLog(),
    beforePolling: async () => world.advance(1_234),
    noteRules: async () => {},
    archive: async () => {},
  });
  await handler({}, aLambdaContext());
  expect(points.filter(([name]) => name === 'PollerPass')).toEqual([
    ['PollerPass', expect.toSatisfy((ms: number) => ms >= 1_234)],
  ]);
});

it('a queue says how old the oldest message of a batch is, in one line for the batch', async () => {
  const sqs = await startSqs();
  onTestFinished(() => sqs.stop());
  const { points, metrics } = captured();
  const [queueUrl, deadLetterUrl] = [sqs.makeQueue('work'), sqs.makeQueue('work-dlq')];
  const handler = queueHandler({
    client: sqs.client,
    queueUrl,
    deadLetterUrl,
    log: capturedLog(),
    metrics,
    handle: async () => ({ kind: 'done' }),
  });
  for (const body of ['a', 'b', 'c']) await sqs.send(queueUrl, body);
  const event = await sqs.receive(queueUrl);
  for (const record of event.Records)
    record.attributes.SentTimestamp = String(Date.now() - (record.body === 'b' ? 90_000 : 1_000));
  await handler(event, aLambdaContext());
  expect(points).toEqual([
    [
      'QueueAge',
      expect.toSatisfy((ms: number) => ms >= 90_000 && ms < 120_000),
      { queue: queueUrl.split('/').at(-1) },
    ],
  ]);
});
