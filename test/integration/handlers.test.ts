/** The functions as they are deployed: wired from their environment alone, on real queues and a real table. */
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { RunRequest } from '../../lib/model/run-request.ts';
import { aLambdaContext, anHttpEvent, eventOf } from '../fixtures/http-events.ts';
import { startRunsTable } from '../fixtures/runs-table.ts';
import { samplesOf, signedSample } from '../fixtures/signed-requests.ts';
import { startSqs, text } from '../fixtures/sqs.ts';

const sqs = await startSqs();
const table = await startRunsTable();
const queues = {
  RUNS_QUEUE_URL: sqs.makeQueue('runs'),
  RUNS_DLQ_URL: sqs.makeQueue('runs-dlq'),
  RECORDS_QUEUE_URL: sqs.makeQueue('records'),
  RECORDS_DLQ_URL: sqs.makeQueue('records-dlq'),
  EVENTS_QUEUE_URL: sqs.makeQueue('events'),
  EVENTS_DLQ_URL: sqs.makeQueue('events-dlq'),
  WAKE_UP_QUEUE_URL: sqs.makeQueue('wake-up'),
  DELIVERIES_QUEUE_URL: sqs.makeQueue('deliveries'),
  DELIVERIES_DLQ_URL: sqs.makeQueue('deliveries-dlq'),
};
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});
afterAll(async () => {
  await sqs.stop();
  await table.stop();
});

const Handler = z.object({
  handler: z.custom<(event: unknown, context: unknown) => Promise<unknown>>((it) => typeof it === 'function'),
});
const Answer = z.object({ statusCode: z.int(), body: z.string() });

/** A function with this environment, from its cold start on; what it logs is kept from the screen. */
async function start(name: string, env: Readonly<Record<string, string | undefined>>) {
  vi.resetModules();
  for (const [variable, value] of Object.entries(env)) vi.stubEnv(variable, value);
  const { handler } = Handler.parse(await import(`../../handlers/${name}.ts`));
  return (event: unknown) => handler(event, aLambdaContext());
}

const ENVIRONMENT = {
  ...queues,
  RUNS_TABLE: table.table,
  RECORDS_TABLE: table.recordsTable,
  RUNS_TOKEN: 'local-runs-token',
  ALERTMANAGER_SECRET: 'the-next-secret,the-live-secret',
  LOG_LEVEL: 'ERROR',
  AWS_ENDPOINT_URL_SQS: sqs.endpoint,
  AWS_ENDPOINT_URL_DYNAMODB: table.endpoint,
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
};

/** Of today: what is older than the service remembers is refused. */
function alertSample() {
  const [sample] = samplesOf('alertmanager');
  if (sample === undefined) throw new Error('no sample');
  const today = new Date().toISOString().slice(0, 10);
  return { ...sample, value: JSON.parse(JSON.stringify(sample.value).replaceAll('2026-11-20', today)) };
}

/** The rules of the requests on the runs queue; then it is empty. */
async function takeRules(): Promise<string[]> {
  const rules: string[] = [];
  await sqs.deliver(queues.RUNS_QUEUE_URL, async ({ Records }) => {
    rules.push(...Records.flatMap(({ body }) => RunRequest.safeParse(JSON.parse(body)).data?.rule ?? []));
    return { batchItemFailures: [] };
  });
  return rules;
}

describe('a function', () => {
  it('webhook: a signed alert is a run request on the queue', async () => {
    const webhook = await start('webhook', ENVIRONMENT);
    const sample = alertSample();
    const answer = Answer.parse(await webhook(eventOf(sample.source, signedSample(sample))));
    expect(answer.statusCode).toBe(202);
    expect(await takeRules()).toEqual(['restart-web-on-5xx']);
  });

  it('webhook: a source without a secret is not there', async () => {
    const webhook = await start('webhook', ENVIRONMENT);
    expect(Answer.parse(await webhook(anHttpEvent({ source: 'github' }))).statusCode).toBe(404);
  });

  it('queue: a message is a run request on the queue', async () => {
    const queue = await start('queue', ENVIRONMENT);
    await sqs.send(queues.EVENTS_QUEUE_URL, JSON.stringify(alertSample().value), {
      source: text('alertmanager'),
    });
    const Response = z.object({ batchItemFailures: z.array(z.object({ itemIdentifier: z.string() })) });
    const answer = await sqs.deliver(queues.EVENTS_QUEUE_URL, async (event) =>
      Response.parse(await queue(event)),
    );
    expect(answer).toEqual({ batchItemFailures: [] });
    expect(await takeRules()).toEqual(['restart-web-on-5xx']);
  });

  it('runs: the list needs the token', async () => {
    const runs = await start('runs', ENVIRONMENT);
    const list = async (token: string) => {
      const event = anHttpEvent({ method: 'GET', headers: { authorization: `Bearer ${token}` } });
      return Answer.parse(await runs({ ...event, rawPath: '/runs', pathParameters: undefined }));
    };
    expect(await list('local-runs-token')).toMatchObject({ statusCode: 200, body: '{"runs":[]}' });
    expect((await list('another')).statusCode).toBe(401);
  });

  it.each([
    ['webhook', 'RUNS_QUEUE_URL'],
    ['queue', 'EVENTS_DLQ_URL'],
    ['dispatch', 'RUNS_TABLE'],
    ['poller', 'WAKE_UP_QUEUE_URL'],
    ['records', 'RECORDS_QUEUE_URL'],
    ['webhook', 'RECORDS_QUEUE_URL'],
    ['runs', 'RUNS_TOKEN'],
  ])('%s: takes no event without %s, and says so each time', async (name, variable) => {
    const take = await start(name, { ...ENVIRONMENT, [variable]: '' });
    for (const event of [{}, { Records: [] }]) {
      await expect(take(event)).rejects.toMatchObject({
        code: 'config.invalid',
        details: { problems: [`${variable}: is not set`] },
      });
    }
  });

  it.each(['dispatch', 'poller'])('%s: starts with what it needs', async (name) => {
    expect(await start(name, ENVIRONMENT)).toBeTypeOf('function');
  });

  it.each(['webhook', 'queue'])('%s: takes no event with rules that are wrong', async (name) => {
    const take = await start(name, { ...ENVIRONMENT, RULES_FILE: 'package.json' });
    await expect(take({ Records: [] })).rejects.toMatchObject({
      code: 'rules.invalid',
      details: { problems: expect.arrayContaining([expect.stringMatching(/^package\.json:\d+:\d+: /)]) },
    });
  });
});
