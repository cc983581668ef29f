/** The API for people: nothing without a token, and with one what the table has, in problems that help. */
import { readFileSync } from 'node:fs';
import { PutCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { FleetReflexError } from '../../lib/errors.ts';
import { accessTokens } from '../../lib/http/access-tokens.ts';
import type { Run } from '../../lib/model/run.ts';
import { runIdFor } from '../../lib/model/run-id.ts';
import type { CancelOutcome, Provider } from '../../lib/providers/provider.ts';
import { POLL_TIMING } from '../../lib/runs/poll-timing.ts';
import { type RunsApiContext, runsHandler } from '../../lib/runs/runs-api.ts';
import { dynamoAuditLog } from '../../lib/store/dynamodb-audit-log.ts';
import { dynamoEventLog } from '../../lib/store/dynamodb-event-log.ts';
import { dynamoGuardStore } from '../../lib/store/dynamodb-guard-store.ts';
import { dynamoRunStore } from '../../lib/store/dynamodb-run-store.ts';
import { capturedLog } from '../fixtures/captured-log.ts';
import { type Flat, withGiven } from '../fixtures/flat.ts';
import { aLambdaContext, anHttpEvent } from '../fixtures/http-events.ts';
import { startRunsTable } from '../fixtures/runs-table.ts';
import { ProblemBody } from '../fixtures/webhook-door.ts';

const TOKEN = 'the-live-token';
/** As RUNS_TOKEN has them: two live ones of one name, and each scope by itself. */
const TOKENS = [
  TOKEN,
  'the-next-token',
  'reader:read:the-reader-token',
  'sre:operate:the-operate-token',
  'lead:approve:the-approve-token',
  'duty:freeze:the-freeze-token',
].join(',');
const SECRETS = { SECRETS_PREFIX: undefined, SECRETS_MAX_AGE_SECONDS: 300 };
const NOW = new Date();
const minutesAgo = (minutes: number) => new Date(NOW.getTime() - minutes * 60_000).toISOString();

let table: Awaited<ReturnType<typeof startRunsTable>>;
beforeAll(async () => {
  table = await startRunsTable();
});
afterAll(() => table.stop());

let made = 0;
/** A run that the provider has. */
function aRun(given: Flat<Run> = {}): Run {
  made += 1;
  const run: Run = {
    version: 2,
    revision: 0,
    runId: runIdFor('restart-web', 'alertmanager', String(made)),
    rule: 'restart-web',
    trigger: { source: 'alertmanager', type: 'alert.firing', id: String(made) },
    notify: [{ name: 'completions', sqs: 'completions' }],
    target: {
      provider: 'tencent',
      region: 'ap-guangzhou',
      command: 'cmd-echo0001',
      instances: ['ins-local001'],
      parameters: { text: 'restart:web' },
    },
    guards: {},
    onUnavailable: 'fail',
    requestedAt: NOW.toISOString(),
    deadline: minutesAgo(-15),
    status: 'running',
    invocations: [
      { token: `t-${made}`, instances: ['ins-local001'], state: 'sent', invocationId: `inv-${made}` },
    ],
    tasks: [],
    outbox: [],
    failedReadings: 0,
  };
  return withGiven(run, given);
}

const notUsed = () => Promise.reject(new Error('not asked for by this API'));

/** The API on the one table, with a cloud that only cancels. */
function anApi(given: Partial<RunsApiContext> & { cancel?: CancelOutcome } = {}) {
  const cancelled: string[] = [];
  const woken: Date[] = [];
  const log = capturedLog();
  const { cancel = { kind: 'requested' }, ...context } = given;
  const provider: Provider = {
    name: 'tencent',
    identity: { by: 'token' },
    maxInstancesPerInvocation: 200,
    split: (instances) => [[...instances]],
    isInstanceId: () => true,
    invoke: notUsed,
    find: notUsed,
    read: notUsed,
    availability: notUsed,
    storedCommand: notUsed,
    list: notUsed,
    async cancel({ invocationId }, instances) {
      cancelled.push(instances === undefined ? invocationId : `${invocationId} on ${instances.join(', ')}`);
      return cancel;
    },
    requestCounts: {},
  };
  const handler = runsHandler({
    store: dynamoRunStore(table),
    guards: dynamoGuardStore(table),
    events: dynamoEventLog(table),
    audit: dynamoAuditLog({ ...table, days: 400 }),
    providers: { tencent: provider, alibaba: provider },
    publishing: { stage: 'test', resolve: () => ({ send: notUsed }), reply: notUsed },
    runsQueue: { send: notUsed },
    wake: async (at) => {
      woken.push(at);
    },
    windows: async () => ({ freezes: [], only: [] }),
    tokens: accessTokens(TOKENS, SECRETS),
    log,
    timing: POLL_TIMING,
    now: () => NOW,
    ...context,
  });
  const call = async (
    method: string,
    path: string,
    { token = `Bearer ${TOKEN}`, body = '', query = '' } = {},
  ) => {
    const [, , runId] = path.split('/');
    const event = {
      ...anHttpEvent({ method, query, headers: { authorization: token }, body }),
      rawPath: path,
      pathParameters: runId === undefined ? undefined : { runId },
    };
    const { statusCode, headers, body: answer } = await handler(event, aLambdaContext());
    const value: unknown = JSON.parse(answer);
    return { status: statusCode, headers, body: z.record(z.string(), z.unknown()).parse(value) };
  };
  return { call, cancelled, woken, lines: log.lines, store: dynamoRunStore(table) };
}

function problemIn({ status, headers, body }: Awaited<ReturnType<ReturnType<typeof anApi>['call']>>) {
  expect(headers['content-type']).toBe('application/problem+json');
  const problem = ProblemBody.parse(body);
  expect(problem.status).toBe(status);
  return { status, type: problem.type.replace('urn:fleet-reflex:problem:', ''), detail: problem.detail };
}

const PATHS = [
  '/runs',
  `/runs/${runIdFor('r', 's', 'x')}`,
  `/runs/${runIdFor('r', 's', 'x')}/cancel`,
  '/freeze',
];

describe('without a live token', () => {
  it.each(
    PATHS.flatMap((path) =>
      ['', 'Bearer ', 'Bearer the-old-token', `Basic ${TOKEN}`, TOKEN, `Bearer ${TOKEN} `].map((token) => [
        path,
        token,
      ]),
    ),
  )('%s is not told to "%s"', async (path, token) => {
    const api = anApi();
    const answer = await api.call(path.endsWith('/cancel') ? 'POST' : 'GET', path, { token });
    expect(problemIn(answer)).toMatchObject({ status: 401, type: 'token.wrong' });
    expect(answer.headers['www-authenticate']).toBe('Bearer');
    expect(JSON.stringify([answer, api.lines])).not.toMatch(/the-\w+-token/);
  });

  it('every request is refused if there is no token', async () => {
    expect(problemIn(await anApi({ tokens: async () => [] }).call('GET', '/runs'))).toMatchObject({
      status: 401,
    });
  });

  it('the reason for unreadable tokens is only logged', async () => {
    const api = anApi({
      tokens: () =>
        Promise.reject(
          new FleetReflexError('secret.unreadable', 'role arn:x may not', { disposition: 'retry' }),
        ),
    });
    const answer = await api.call('GET', '/runs');
    expect(problemIn(answer)).toMatchObject({ status: 503, type: 'tokens.unreadable' });
    expect(JSON.stringify(answer)).not.toContain('arn:x');
    expect(api.lines).toMatchObject([
      { level: 'error', event: 'request.failed', facts: { error: 'role arn:x may not' } },
    ]);
  });
});

it.each([TOKEN, 'the-next-token'])('either of two live tokens is good: %s', async (token) => {
  expect((await anApi().call('GET', '/runs', { token: `bearer ${token}` })).status).toBe(200);
});

describe('GET /runs', () => {
  const Page = z.object({ runs: z.array(z.object({ runId: z.string() })), cursor: z.string().optional() });

  it('lists the newest first, page by page, of one rule', async () => {
    const api = anApi();
    const rule = 'listed';
    const runs = [3, 1, 2].map((minutes) => aRun({ rule, requestedAt: minutesAgo(minutes) }));
    for (const run of [...runs, aRun({ rule: 'other' })]) await api.store.create(run);
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const query = new URLSearchParams({ rule, limit: '2', ...(cursor !== undefined && { cursor }) });
      const page = Page.parse((await api.call('GET', '/runs', { query: String(query) })).body);
      expect(page.runs.length).toBeLessThanOrEqual(2);
      seen.push(...page.runs.map(({ runId }) => runId));
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(seen).toEqual([runs[1], runs[2], runs[0]].map((run) => run?.runId));
  });

  it('lists those of a time, a person, a rule, a status', async () => {
    const api = anApi();
    const by = (id: string, name: string) => ({
      trigger: { source: 'slack', type: 'chat.command', id: 'x', actor: { id, name, chat: 'slack' } },
    });
    const day = 24 * 60;
    const failed = aRun({
      rule: 'asked',
      status: 'failed',
      requestedAt: minutesAgo(3 * day),
      ...by('U1', 'ann'),
    });
    const later = aRun({ rule: 'asked', requestedAt: minutesAgo(day), ...by('U1', 'ann') });
    const bobs = aRun({ rule: 'asked', requestedAt: minutesAgo(2 * day), ...by('U2', 'bob') });
    const old = aRun({ rule: 'asked-2', requestedAt: minutesAgo(9 * day), ...by('U1', 'ann') });
    for (const run of [failed, later, bobs, old]) await api.store.create(run);
    const idsOf = async (query: Record<string, string>) => {
      const { body } = await api.call('GET', '/runs', { query: String(new URLSearchParams(query)) });
      return Page.parse(body).runs.map(({ runId }) => runId);
    };
    expect(await idsOf({ by: 'U1' })).toEqual([later, failed, old].map(({ runId }) => runId));
    expect(await idsOf({ by: 'bob' })).toEqual([bobs.runId]);
    expect(await idsOf({ by: 'U1', rule: 'asked' })).toEqual([later.runId, failed.runId]);
    expect(await idsOf({ by: 'U1', status: 'failed' })).toEqual([failed.runId]);
    expect(await idsOf({ rule: 'asked', since: minutesAgo(2 * day) })).toEqual([later.runId, bobs.runId]);
    expect(await idsOf({ rule: 'asked', until: minutesAgo(2 * day) })).toEqual([failed.runId]);
    expect(await idsOf({ rule: 'asked', since: minutesAgo(4 * day), until: minutesAgo(day) })).toEqual([
      bobs.runId,
      failed.runId,
    ]);
  });

  it('lists those that wait for their time, and says what they wait for', async () => {
    const api = anApi();
    const rule = 'waiting';
    const at = new Date(NOW.getTime() + 3_600_000).toISOString();
    const waiting = aRun({
      rule,
      status: 'scheduled',
      schedule: { at, timer: { nextAt: at, deadlineMs: 900_000 } },
      waitingFor: { code: 'schedule.at', message: `It waits for its time, ${at}.` },
      invocations: [],
      pollAt: at,
    });
    for (const run of [aRun({ rule }), waiting]) await api.store.create(run);
    const { body } = await api.call('GET', '/runs', { query: `status=scheduled&rule=${rule}` });
    expect(body).toMatchObject({
      runs: [
        {
          runId: waiting.runId,
          status: 'scheduled',
          schedule: { at, nextAt: at, firedBy: 'fleet-reflex' },
          waitingFor: { code: 'schedule.at' },
        },
      ],
    });
    expect(await api.call('POST', `/runs/${waiting.runId}/cancel`)).toMatchObject({ status: 202 });
  });

  it.each([
    ['status=runing', 'query.invalid'],
    ['since=yesterday', 'query.invalid'],
    ['since=2026-11-21&until=2026-11-20', 'query.invalid'],
    ['status=scheduled&by=ann', 'query.invalid'],
    ['by=', 'query.invalid'],
    ['limit=0', 'query.invalid'],
    ['limit=101', 'query.invalid'],
    ['limit=many', 'query.invalid'],
    ['cursor=hello', 'runs.cursor'],
    ['rule=', 'query.invalid'],
    ['status=scheduled&cursor=x', 'query.invalid'],
  ])('answers 400 to ?%s', async (query, type) => {
    expect(problemIn(await anApi().call('GET', '/runs', { query }))).toMatchObject({ status: 400, type });
  });
});

describe('a parameter of the query that is unknown, or given twice', () => {
  const RUN = runIdFor('restart-web', 'alertmanager', 'event-1');

  it.each([
    [
      'GET',
      '/runs',
      'from=2026-11-20',
      'from: unknown. Known: limit (1 to 100), cursor, since, until, by, rule, status.',
    ],
    [
      'GET',
      '/runs',
      'limit=5&Limit=6',
      'Limit: unknown. Known: limit (1 to 100), cursor, since, until, by, rule, status.',
    ],
    [
      'GET',
      '/runs',
      'rule=a&rule=b',
      'rule: expected once. Known: limit (1 to 100), cursor, since, until, by, rule, status.',
    ],
    [
      'GET',
      '/events',
      'from=2026-11-20&rule=a&to=1',
      'from: unknown; rule: unknown; to: unknown. Known: limit (1 to 100), cursor, source, include.',
    ],
    [
      'GET',
      '/events',
      'source=a&source=a',
      'source: expected once. Known: limit (1 to 100), cursor, source, include.',
    ],
    [
      'GET',
      '/events',
      'constructor=1',
      'constructor: unknown. Known: limit (1 to 100), cursor, source, include.',
    ],
    ['GET', `/runs/${RUN}`, 'tasks=all', 'tasks: unknown. Known: no parameters.'],
    ['POST', `/runs/${RUN}/cancel`, 'dry-run=true', 'dry-run: unknown. Known: no parameters.'],
    ['GET', '/freeze', 'at=now', 'at: unknown. Known: no parameters.'],
    ['DELETE', '/freeze', 'dry-run=true', 'dry-run: unknown. Known: no parameters.'],
  ])('%s %s?%s is a 400 that names it and what is known', async (method, path, query, detail) => {
    const answer = problemIn(await anApi().call(method, path, { query }));
    expect(answer).toMatchObject({ status: 400, type: 'query.invalid', detail });
  });

  it('has nothing done: the kill switch stays as it was', async () => {
    const api = anApi();
    await api.call('PUT', '/freeze', { body: JSON.stringify({ reason: 'month end' }) });
    await api.call('DELETE', '/freeze', { query: 'dry-run=true' });
    expect((await api.call('GET', '/freeze')).body).toMatchObject({ isFrozen: true });
    await api.call('DELETE', '/freeze');
  });

  it('may be of any length and number: the answer is short', async () => {
    const query = Array.from({ length: 2000 }, (_, index) => `${'x'.repeat(500)}${index}=1`).join('&');
    const answer = problemIn(await anApi().call('GET', '/runs', { query }));
    expect(answer).toMatchObject({ status: 400, type: 'query.invalid' });
    expect(JSON.stringify(answer).length).toBeLessThan(1_000);
  });
});

describe('GET /runs/{runId}', () => {
  it('shows all that a person asks about', async () => {
    const api = anApi();
    const run = aRun();
    await api.store.create(run);
    const { status, body } = await api.call('GET', `/runs/${run.runId}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      runId: run.runId,
      rule: 'restart-web',
      status: 'running',
      instances: ['ins-local001'],
      parameters: { text: 'restart:web' },
      counts: {},
      tasks: [],
    });
  });

  it.each([runIdFor('no', 'such', 'run'), 'run-1', '..', 'RUN#x'])('answers 404 to %s', async (runId) => {
    expect(problemIn(await anApi().call('GET', `/runs/${runId}`))).toMatchObject({
      status: 404,
      type: 'run.unknown',
    });
  });
});

describe('POST /runs/{runId}/resume', () => {
  const cutShort = () =>
    aRun({
      status: 'partly_failed',
      endedAt: NOW.toISOString(),
      instances: ['ins-local001', 'ins-local002'],
      invocations: [
        { token: 't-0', instances: ['ins-local001'], state: 'sent', invocationId: 'inv-0' },
        { token: 't-1', wave: 1, instances: ['ins-local002'], state: 'dropped' },
      ],
      waves: {
        ...{ sizes: [{ instances: 1 }], pauseMs: 0, stopAfterFailures: 1, onStop: 'finish' },
        ...{ withinMs: 60_000, begun: 2 },
      },
      patterns: {},
    });

  it('puts the rest of it on the runs queue, in the name of the token', async () => {
    const asked: unknown[] = [];
    const api = anApi({ runsQueue: { send: async (requests) => void asked.push(...requests) } });
    const run = cutShort();
    await api.store.create(run);
    expect((await api.call('GET', `/runs/${run.runId}`)).body).toMatchObject({
      neverSentTo: ['ins-local002'],
    });
    const token = 'Bearer the-operate-token';
    expect(await api.call('POST', `/runs/${run.runId}/resume`, { token })).toMatchObject({
      status: 202,
      body: { resumes: { runId: run.runId }, instances: ['ins-local002'] },
    });
    expect(asked).toMatchObject([
      { action: 'run', resumes: { runId: run.runId, by: { id: 'sre', source: 'api' } } },
    ]);
  });

  it('is for the scope operate, by POST, and for a run that there is', async () => {
    const api = anApi();
    const run = cutShort();
    await api.store.create(run);
    const path = `/runs/${run.runId}/resume`;
    for (const token of ['Bearer the-reader-token', 'Bearer the-approve-token']) {
      expect(problemIn(await api.call('POST', path, { token }))).toMatchObject({ status: 403 });
    }
    expect(problemIn(await api.call('GET', path))).toMatchObject({ status: 405 });
    for (const id of ['run-of-nobody', runIdFor('a', 'b', 'c')]) {
      expect(problemIn(await api.call('POST', `/runs/${id}/resume`))).toMatchObject({
        status: 404,
        type: 'run.unknown',
      });
    }
  });
});

describe('POST /runs/{runId}/cancel', () => {
  it('asks the provider to stop it, marks it, and wakes the poller', async () => {
    const api = anApi();
    const run = aRun();
    await api.store.create(run);
    const { status, body } = await api.call('POST', `/runs/${run.runId}/cancel`);
    expect(status).toBe(202);
    expect(body).toMatchObject({ runId: run.runId, cancelledBy: 'operator' });
    expect(api.cancelled).toEqual(run.invocations.map(({ invocationId }) => invocationId));
    expect(api.woken).toEqual([NOW]);
  });

  it('of some instances asks for these alone, and the run says who cancelled which', async () => {
    const api = anApi();
    const instances = ['ins-local001', 'ins-local002'];
    const run = aRun({
      instances,
      invocations: [{ token: 't-p', instances, state: 'sent', invocationId: 'inv-p' }],
    });
    await api.store.create(run);
    const body = JSON.stringify({ instances: ['ins-local002'] });
    const answer = await api.call('POST', `/runs/${run.runId}/cancel`, { body });
    expect(answer).toMatchObject({
      status: 202,
      body: {
        cancelledInstances: [{ instances: ['ins-local002'], by: 'operator', at: NOW.toISOString() }],
      },
    });
    expect(answer.body).not.toHaveProperty('cancelledBy');
    expect([api.cancelled, api.woken]).toEqual([['inv-p on ins-local002'], [NOW]]);
  });

  it.each([
    ['an instance that the run has not', { instances: ['ins-local001', 'ins-other'] }, 'instances.unknown'],
    ['no instance', { instances: [] }, 'cancel.invalid'],
    ['a misspelt field', { instance: ['ins-local001'] }, 'cancel.invalid'],
    ['an id in the place of a list', { instances: 'ins-local001' }, 'cancel.invalid'],
    ['no object', ['ins-local001'], 'cancel.invalid'],
  ])('of %s is a 400, and cancels nothing', async (_name, body, type) => {
    const api = anApi();
    const run = aRun();
    await api.store.create(run);
    const answer = await api.call('POST', `/runs/${run.runId}/cancel`, { body: JSON.stringify(body) });
    expect(problemIn(answer)).toMatchObject({ status: 400, type });
    expect([api.cancelled, api.woken, await api.store.get(run.runId)]).toEqual([[], [], run]);
  });

  it('of a run that has ended changes nothing', async () => {
    const api = anApi();
    const run = aRun({ status: 'succeeded', endedAt: minutesAgo(1) });
    await api.store.create(run);
    expect(problemIn(await api.call('POST', `/runs/${run.runId}/cancel`))).toMatchObject({
      status: 409,
      type: 'run.ended',
      detail: expect.stringContaining('succeeded'),
    });
    expect([api.cancelled, api.woken]).toEqual([[], []]);
  });

  it('of no run says so', async () => {
    const answer = await anApi().call('POST', `/runs/${runIdFor('no', 'such', 'run')}/cancel`);
    expect(problemIn(answer)).toMatchObject({ status: 404, type: 'run.unknown' });
  });

  it('that the provider does not answer tells the person that it may still be running', async () => {
    const failure = {
      code: 'RequestLimitExceeded',
      message: 'slow down',
      advice: 'Wait.',
      isRetryable: true,
    };
    const api = anApi({ cancel: { kind: 'failed', failure: { ...failure, retryAfterMs: 2000 } } });
    const run = aRun();
    await api.store.create(run);
    const answer = await api.call('POST', `/runs/${run.runId}/cancel`);
    expect(problemIn(answer)).toMatchObject({
      status: 503,
      type: 'cancel.unanswered',
      detail: expect.stringMatching(/RequestLimitExceeded.*It may still be running/),
    });
    expect(answer.headers['retry-after']).toBe('2');
  });
});

it.each([
  ['DELETE', '/runs', 'GET'],
  ['POST', '/runs', 'GET'],
  ['DELETE', `/runs/${runIdFor('r', 's', 'x')}`, 'GET'],
  ['GET', `/runs/${runIdFor('r', 's', 'x')}/cancel`, 'POST'],
  ['POST', '/freeze', 'GET, PUT, DELETE'],
])('%s %s answers 405 and names %s', async (method, path, allow) => {
  const answer = await anApi().call(method, path);
  expect(problemIn(answer)).toMatchObject({ status: 405, type: 'method.notAllowed' });
  expect(answer.headers['allow']).toBe(allow);
});

describe('/freeze', () => {
  it('is set, shown and lifted', async () => {
    const api = anApi();
    const until = new Date(NOW.getTime() + 3_600_000).toISOString();
    const body = JSON.stringify({ reason: 'a bad deploy', by: 'ada', until });
    expect((await api.call('GET', '/freeze')).body).toEqual({ isFrozen: false });
    const frozen = { isFrozen: true, reason: 'a bad deploy', by: 'operator', onBehalfOf: 'ada', until };
    expect((await api.call('PUT', '/freeze', { body })).body).toEqual(frozen);
    expect((await api.call('GET', '/freeze')).body).toEqual(frozen);
    expect((await api.call('DELETE', '/freeze')).body).toEqual({ isFrozen: false });
    expect((await api.call('GET', '/freeze')).body).toEqual({ isFrozen: false });
    expect(api.lines.map(({ event }) => event)).toEqual(['freeze.set', 'freeze.lifted']);
  });

  it('shows the windows of the rules file: the open ones, and when the others open', async () => {
    const minute = 60_000;
    const aWindow = (name: string, inMs: number) => {
      const at = new Date(NOW.getTime() + inMs);
      const cron = `${at.getUTCMinutes()} ${at.getUTCHours()} * * *`;
      return { name, cron, zone: 'UTC', forMs: 10 * minute };
    };
    const wholeMinute = (ms: number) =>
      new Date(Math.floor((NOW.getTime() + ms) / minute) * minute).toISOString();
    const only = [{ window: aWindow('nights', 60 * minute), except: [] }];
    const freezes = [
      { window: aWindow('later', 120 * minute), except: [] },
      { window: aWindow('month-end', -5 * minute), except: ['roll-back'] },
    ];
    const api = anApi({ windows: async () => ({ freezes, only }) });
    expect((await api.call('GET', '/freeze')).body).toEqual({
      isFrozen: false,
      windows: [
        {
          ...{ kind: 'freeze', name: 'month-end', isOpen: true, zone: 'UTC', except: ['roll-back'] },
          ...{ opensAt: wholeMinute(-5 * minute), until: wholeMinute(5 * minute) },
        },
        {
          ...{ kind: 'only', name: 'nights', isOpen: false, zone: 'UTC', except: [] },
          ...{ opensAt: wholeMinute(60 * minute), until: wholeMinute(70 * minute) },
        },
        {
          ...{ kind: 'freeze', name: 'later', isOpen: false, zone: 'UTC', except: [] },
          ...{ opensAt: wholeMinute(120 * minute), until: wholeMinute(130 * minute) },
        },
      ],
    });
  });

  it('is shown, set and lifted though the rules cannot be read', async () => {
    const api = anApi({ windows: () => Promise.reject(new Error('rules.json is not there')) });
    await api.call('PUT', '/freeze', { body: JSON.stringify({ reason: 'a test' }) });
    expect((await api.call('GET', '/freeze')).body).toMatchObject({
      isFrozen: true,
      windowsUnread: 'The windows of the rules file could not be read: rules.json is not there',
    });
    expect((await api.call('DELETE', '/freeze')).body).toEqual({ isFrozen: false });
    expect(api.lines.map(({ event }) => event)).toContain('freeze.windows-unread');
  });

  it('is shown as docs/operations.md puts it into the table, for who cannot reach the API', async () => {
    const [, item = ''] = /--item \\\n +'(\{.*\})'/.exec(readFileSync('docs/operations.md', 'utf8')) ?? [];
    const attributes = z.record(z.string(), z.strictObject({ S: z.string() })).parse(JSON.parse(item));
    const Item = Object.fromEntries(Object.entries(attributes).map(([name, { S }]) => [name, S]));
    await table.client.send(new PutCommand({ TableName: table.table, Item }));
    const api = anApi();
    expect((await api.call('GET', '/freeze')).body).toEqual({ isFrozen: true, by: '<you>', reason: '<why>' });
    expect((await api.call('DELETE', '/freeze')).body).toEqual({ isFrozen: false });
  });

  it.each([
    ['no JSON', '{', 'body.json'],
    ['no reason', '{"by":"ada"}', 'freeze.invalid'],
    ['a name without letters', '{"reason":"x","by":""}', 'freeze.invalid'],
    ['the name of another token', '{"reason":"x","onBehalfOf":"ada"}', 'freeze.invalid'],
    ['the past', '{"reason":"x","by":"ada","until":"2020-01-01T00:00:00Z"}', 'freeze.invalid'],
    ['no time', '{"reason":"x","by":"ada","until":"soon"}', 'freeze.invalid'],
    ['more', '{"reason":"x","by":"ada","for":"1h"}', 'freeze.invalid'],
  ])('is not set with %s', async (_, body, type) => {
    const api = anApi();
    const problem = problemIn(await api.call('PUT', '/freeze', { body }));
    expect(problem).toMatchObject({ status: 400, type });
    // Each thing that is wrong has a place.
    expect(problem.detail).not.toContain(' : ');
    expect((await api.call('GET', '/freeze')).body).toEqual({ isFrozen: false });
  });
});

describe('GET /audit', () => {
  const Entries = z.object({
    entries: z.array(z.looseObject({ act: z.string(), runId: z.string().optional(), actor: z.unknown() })),
  });
  const auditOf = async (api: ReturnType<typeof anApi>, query: Record<string, string>) =>
    Entries.parse((await api.call('GET', '/audit', { query: String(new URLSearchParams(query)) })).body)
      .entries;

  it('has who froze and who lifted, by the name of the token', async () => {
    const api = anApi();
    const token = 'Bearer the-freeze-token';
    await api.call('PUT', '/freeze', { token, body: JSON.stringify({ reason: 'month end', by: 'ann' }) });
    await api.call('DELETE', '/freeze', { token });
    const acts = await auditOf(api, { by: 'duty' });
    expect(acts).toMatchObject(
      ['freeze.set', 'freeze.lifted'].map((act) => ({ act, actor: { id: 'duty', source: 'api' } })),
    );
    expect(await auditOf(api, { act: 'freeze.set', by: 'duty' })).toMatchObject([
      { message: 'All runs were frozen on behalf of ann: month end' },
    ]);
  });

  it('has who cancelled a run beside who asked for it, and costs no entry for the latter', async () => {
    const api = anApi();
    const run = aRun({
      trigger: {
        source: 'slack',
        type: 'chat.command',
        id: 'e-9',
        actor: { id: 'U9', name: 'ann', chat: 'slack' },
      },
    });
    await api.store.create(run);
    await api.call('POST', `/runs/${run.runId}/cancel`, { token: 'Bearer the-operate-token' });
    expect(await auditOf(api, { by: 'U9' })).toMatchObject([
      { act: 'run.asked', runId: run.runId, actor: { id: 'U9', name: 'ann', chat: 'slack' } },
    ]);
    expect(await auditOf(api, { act: 'run.cancelled', by: 'sre' })).toMatchObject([
      { act: 'run.cancelled', runId: run.runId, actor: { id: 'sre', source: 'api' } },
    ]);
    const { Items = [] } = await table.client.send(new ScanCommand({ TableName: table.recordsTable }));
    expect(Items.filter(({ entry }) => JSON.stringify(entry).includes(run.runId))).toHaveLength(1);
  });

  it.each(['act=run.eaten', 'since=soon', 'who=ann'])('answers 400 to ?%s', async (query) => {
    expect(problemIn(await anApi().call('GET', '/audit', { query }))).toMatchObject({
      status: 400,
      type: 'query.invalid',
    });
  });
});

describe('a token with scopes', () => {
  const RUN = `/runs/${runIdFor('r', 's', 'x')}`;
  const FREEZE = JSON.stringify({ reason: 'x' });
  const CALLS = [
    ['GET', '/runs', 'read'],
    ['GET', RUN, 'read'],
    ['GET', '/events', 'read'],
    ['GET', '/audit', 'read'],
    ['GET', '/freeze', 'read'],
    ['POST', `${RUN}/cancel`, 'operate'],
    ['PUT', '/freeze', 'freeze'],
    ['DELETE', '/freeze', 'freeze'],
  ] as const;
  const HOLDERS = { read: 'reader', operate: 'operate', approve: 'approve', freeze: 'freeze' } as const;
  const NAMES = { read: 'reader', operate: 'sre', approve: 'lead', freeze: 'duty' } as const;

  it.each(CALLS)('%s %s is for the scope %s', async (method, path, scope) => {
    for (const held of ['read', 'operate', 'approve', 'freeze'] as const) {
      const api = anApi();
      const token = `Bearer the-${HOLDERS[held]}-token`;
      const answer = await api.call(method, path, { token, body: FREEZE });
      if (held === scope) {
        expect([200, 404]).toContain(answer.status);
        continue;
      }
      expect(problemIn(answer)).toEqual({
        status: 403,
        type: 'token.scope',
        detail: `This needs a token with the scope ${scope}; the token ${NAMES[held]} has ${held}.`,
      });
      expect(answer.headers['www-authenticate']).toBe(`Bearer error="insufficient_scope", scope="${scope}"`);
      expect(api.lines).toMatchObject([{ event: 'request.refused', facts: { code: 'token.scope' } }]);
    }
    await anApi().call('DELETE', '/freeze');
  });

  it('that may not freeze changes nothing, and one that may not operate stops no run', async () => {
    const api = anApi();
    const run = aRun();
    await api.store.create(run);
    const token = 'Bearer the-reader-token';
    await api.call('PUT', '/freeze', { token, body: FREEZE });
    await api.call('POST', `/runs/${run.runId}/cancel`, { token });
    expect((await api.call('GET', '/freeze', { token })).body).toEqual({ isFrozen: false });
    expect(await api.store.get(run.runId)).toEqual(run);
    expect([api.cancelled, api.woken]).toEqual([[], []]);
  });

  it('is who did it, on the run and in the log', async () => {
    const api = anApi();
    const run = aRun();
    await api.store.create(run);
    await api.call('POST', `/runs/${run.runId}/cancel`, { token: 'Bearer the-operate-token' });
    expect(await api.store.get(run.runId)).toMatchObject({ cancelledBy: 'sre' });
    expect(api.lines).toMatchObject([{ event: 'run.cancel-requested', facts: { by: 'sre' } }]);
  });

  it('froze it, whatever name the body gives', async () => {
    const api = anApi();
    const token = 'Bearer the-freeze-token';
    const body = JSON.stringify({ reason: 'x', by: 'operator' });
    const frozen = { isFrozen: true, by: 'duty', onBehalfOf: 'operator', reason: 'x' };
    expect((await api.call('PUT', '/freeze', { token, body })).body).toEqual(frozen);
    await api.call('DELETE', '/freeze', { token });
    expect(api.lines.map(({ event, facts }) => [event, facts['by']])).toEqual([
      ['freeze.set', 'duty'],
      ['freeze.lifted', 'duty'],
    ]);
  });
});
