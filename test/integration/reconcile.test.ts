/** `fleet-reflex reconcile`: what is planted wrong is found, what may be repaired is, and no command is sent. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Finding, sweepAll } from '../../bin/commands/reconcile/sweep-all.ts';
import { accessTokens } from '../../lib/http/access-tokens.ts';
import type { Run } from '../../lib/model/run.ts';
import { runIdFor } from '../../lib/model/run-id.ts';
import { runsHandler } from '../../lib/runs/runs-api.ts';
import { capturedLog } from '../fixtures/captured-log.ts';
import { aLambdaContext, anHttpEvent } from '../fixtures/http-events.ts';
import { aRunWorld, type RunWorld } from '../fixtures/run-world.ts';
import { startRunsTable } from '../fixtures/runs-table.ts';

const SECRETS = { SECRETS_PREFIX: undefined, SECRETS_MAX_AGE_SECONDS: 300 };
const notUsed = (): never => {
  throw new Error('not used');
};
const MINUTE_MS = 60_000;

let runs: Awaited<ReturnType<typeof startRunsTable>>;
let world: RunWorld;
beforeEach(async () => {
  // A table for each test: a sweep sees all that is in it.
  runs = await startRunsTable();
  world = aRunWorld(runs, { hasTokens: true });
});
afterEach(() => runs.stop());

async function sweep({ isDryRun = false, token = 'the-operate-token' } = {}) {
  const log = capturedLog();
  const handler = runsHandler({
    ...world.context,
    events: { list: notUsed },
    audit: { put: notUsed, list: notUsed },
    tokens: accessTokens('sre:operate:the-operate-token,reader:read:the-reader-token', SECRETS),
    log,
  } as unknown as Parameters<typeof runsHandler>[0]);
  const findings: Finding[] = [];
  const calls = world.cloud.calls();
  const seen = await sweepAll({
    async ask(step) {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
      const event = anHttpEvent({ headers, body: JSON.stringify(step) });
      const answer = await handler(
        { ...event, rawPath: '/reconcile', pathParameters: undefined },
        aLambdaContext(),
      );
      if (answer.statusCode !== 200) throw new Error(`${answer.statusCode} ${answer.body}`);
      return JSON.parse(answer.body);
    },
    since: new Date(world.now() - 86_400_000),
    isDryRun,
    onFinding: (finding) => findings.push(finding),
    onProgress: () => {},
  });
  expect(world.cloud.calls()).toBe(calls);
  return { seen, findings, lines: log.lines.filter(({ event }) => event === 'sweep.repaired') };
}

const shortly = (findings: readonly Finding[]) =>
  findings.map(({ code, where, state }) => [code, where, state]);

/** One that the cloud has and that ended, and whose events are out. */
async function aToldRun(): Promise<Run> {
  const request = world.request();
  await world.dispatch(request);
  world.cloud.tasksAre('succeeded');
  await world.poll();
  return await world.run(request.runId);
}

async function store(run: Run): Promise<Run> {
  const saved = await world.context.store.save(run);
  expect(saved.kind).toBe('saved');
  return saved.run;
}

describe('a deployment where all is well', () => {
  it('has nothing to be found', async () => {
    await aToldRun();
    await world.dispatch(world.request());
    expect(await sweep()).toMatchObject({ findings: [], seen: { runs: 2, invocations: 2 } });
  });

  it('is looked at page by page', { timeout: 60_000 }, async () => {
    for (let count = 0; count < 30; count += 1) await world.dispatch(world.request());
    expect((await sweep()).seen).toMatchObject({ runs: 30 });
  });
});

describe('what is planted', () => {
  it('an ended run whose events are not out: the poller publishes them', async () => {
    const told = await aToldRun();
    await store({ ...told, outbox: ['run.completed'], pollAt: undefined });
    world.advance(5 * MINUTE_MS);
    const dry = await sweep({ isDryRun: true });
    expect(shortly(dry.findings)).toEqual([['events.untold', told.runId, 'repairable']]);
    expect((await world.run(told.runId)).pollAt).toBeUndefined();
    const before = world.tellings(told.runId);
    const { findings, lines } = await sweep();
    expect(shortly(findings)).toEqual([['events.untold', told.runId, 'repaired']]);
    expect(lines.map(({ facts }) => facts)).toEqual([
      { code: 'events.untold', where: told.runId, by: 'sre' },
    ]);
    expect(world.wakes.at(-1)?.getTime()).toBe(world.now());
    await world.poll();
    expect(world.tellings(told.runId)).toBeGreaterThan(before);
    expect((await sweep()).findings).toEqual([]);
  });

  it('a live run that is not in the index: it is watched again', async () => {
    const request = world.request();
    await world.dispatch(request);
    await store({ ...(await world.run(request.runId)), pollAt: undefined });
    world.cloud.tasksAre('succeeded');
    await world.poll();
    expect((await world.run(request.runId)).status).toBe('pending');
    expect(shortly((await sweep()).findings)).toEqual([['run.unwatched', request.runId, 'repaired']]);
    await world.poll();
    expect((await world.run(request.runId)).status).toBe('succeeded');
  });

  it('a run long past its time: the poller gives it up', async () => {
    const request = world.request({ timeoutSeconds: 60 });
    await world.dispatch(request);
    world.advance(30 * MINUTE_MS);
    expect(shortly((await sweep()).findings)).toEqual([['run.overdue', request.runId, 'repaired']]);
    await world.poll();
    expect((await world.run(request.runId)).status).toBe('unknown');
  });

  it('a lock whose run has ended, and one whose run is not there: both are free', async () => {
    const told = await aToldRun();
    const nobody = runIdFor('r', 's', 'never');
    const { guards } = world.context;
    const place = { provider: 'tencent', region: 'ap-guangzhou' };
    const until = new Date(world.now() + 60 * MINUTE_MS);
    await guards.lockInstances(
      { ...place, runId: told.runId, instances: ['ins-8', 'ins-9'] },
      until,
      new Date(world.now()),
    );
    await guards.lockInstances(
      { ...place, runId: nobody, instances: ['ins-7'] },
      until,
      new Date(world.now()),
    );
    const { findings } = await sweep();
    expect(findings.map(({ code, state }) => [code, state])).toEqual([
      ['lock.ownerless', 'repaired'],
      ['lock.ownerless', 'repaired'],
    ]);
    expect(await guards.heldLocks(place.provider, place.region)).toEqual([]);
  });

  it('a lock of a live run stays', async () => {
    const request = world.request({ guards: { lock: true } });
    await world.dispatch(request);
    const { findings, seen } = await sweep();
    expect([findings, seen.locks]).toEqual([[], 2]);
  });

  it('an invocation with the mark of a run that does not know it: a person looks', async () => {
    const request = world.request();
    await world.dispatch(request);
    const run = await world.run(request.runId);
    await store({ ...run, status: 'expired', endedAt: run.requestedAt, invocations: [], pollAt: undefined });
    const { findings } = await sweep();
    expect(shortly(findings)).toEqual([
      ['invocation.unknown-to-run', 'tencent/ap-guangzhou: inv-1', 'person'],
    ]);
    expect(findings[0]?.message).toMatch(
      new RegExp(
        `^It ran cmd-1 at 20\\S+Z with the mark of ${request.runId}, and that run, which is expired, does not know it`,
      ),
    );
  });

  it('an invocation with the mark of a run that is not there: a person looks', async () => {
    await world.dispatch(world.request());
    await world.context.providers.tencent.invoke({
      token: `${runIdFor('gone', 's', 'x')}-0`,
      target: {
        provider: 'tencent',
        region: 'ap-guangzhou',
        command: 'cmd-1',
        instances: ['ins-1'],
        parameters: {},
      },
      labels: {},
    });
    expect(shortly((await sweep()).findings)).toEqual([
      ['invocation.no-run', 'tencent/ap-guangzhou: inv-2', 'person'],
    ]);
  });
});

describe('a cloud that takes no mark', () => {
  it('has what no run knows printed without a claim, of the commands of our rules alone', async () => {
    world = aRunWorld(runs);
    await world.dispatch(world.request());
    const byHand = (command: string) =>
      world.context.providers.tencent.invoke({
        token: '',
        target: {
          provider: 'tencent',
          region: 'ap-guangzhou',
          command,
          instances: ['ins-1'],
          parameters: {},
        },
        labels: {},
      });
    await byHand('cmd-1');
    await byHand('cmd-of-others');
    expect(shortly((await sweep()).findings)).toEqual([
      ['invocation.not-ours-or-unknown', 'tencent/ap-guangzhou: inv-2', 'unclaimed'],
    ]);
  });
});

describe('who may', () => {
  it('sweep: who may operate', async () => {
    await expect(sweep({ token: 'the-reader-token' })).rejects.toThrow(/^403 .*operate/);
  });
});
