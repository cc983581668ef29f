/**
 * Resuming a rollout that ended in the middle: one new run on what was never sent to, whoever asks for it and how often, past
 * every guard but those that the line of runs itself would trip.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tokenActor } from '../../lib/model/actor.ts';
import {
  isCutShort,
  neverSentTo,
  resumedAs,
  resumeRequest,
  whyNotResumable,
} from '../../lib/model/resume.ts';
import { RunRequest } from '../../lib/model/run-request.ts';
import { whyMayNotJudge } from '../../lib/rules/may-judge.ts';
import { cancelRun } from '../../lib/runs/cancel.ts';
import { checkRequest } from '../../lib/runs/check-request.ts';
import { answerResume } from '../../lib/runs/resume-api.ts';
import { describeRun } from '../../lib/runs/run-view.ts';
import { dynamoAuditLog } from '../../lib/store/dynamodb-audit-log.ts';
import { CRASH, dying, type Failpoint } from '../fixtures/dying.ts';
import type { Flat } from '../fixtures/flat.ts';
import { aFollowUp, dispatchAsked } from '../fixtures/follow-ups.ts';
import { aRunWorld, type RunOnlyRequest, type RunWorld } from '../fixtures/run-world.ts';
import { startRunsTable } from '../fixtures/runs-table.ts';

const FLEET = ['ins-wave00001', 'ins-wave00002', 'ins-wave00003', 'ins-wave00004'];
const WAVES = { sizes: [{ instances: 1 }, { instances: 2 }], pauseMs: 30_000, stopAfterFailures: 1 };
const NO_BODY = { body: Buffer.alloc(0) };

let table: Awaited<ReturnType<typeof startRunsTable>>;
beforeAll(async () => {
  table = await startRunsTable();
});
afterAll(() => table.stop());

let worlds = 0;
/** On commands of its own: worlds on one table are clouds with the same names. */
function aRollout(given: Flat<RunOnlyRequest> = {}) {
  worlds += 1;
  const world = aRunWorld(table);
  const command = `cmd-${String(worlds).padStart(8, '0')}`;
  const request: RunOnlyRequest = {
    ...world.request({ command, instances: FLEET, ...given }),
    waves: { ...WAVES, onStop: 'finish' },
  };
  return { world, request, runId: request.runId };
}

async function goOn({ world }: { world: RunWorld }, ms = 40_000) {
  await world.poll();
  world.advance(ms);
  await world.poll();
}

/** Its canary fails: the other three are left. */
async function stopped(given: Flat<RunOnlyRequest> = {}) {
  const rollout = aRollout(given);
  const { world, request, runId } = rollout;
  await world.dispatch(request);
  world.cloud.tasksAre('failed');
  await goOn(rollout);
  const run = await world.run(runId);
  expect(run).toMatchObject({ status: 'partly_failed', reason: { code: 'wave.stopped' }, outbox: [] });
  return { ...rollout, run };
}

const ask = async ({ world, runId }: { world: RunWorld; runId: string }, by = 'sre', point?: Failpoint) => {
  const { store, runsQueue } = world.context;
  const parts = point ? { store: dying(store, point), runsQueue: dying(runsQueue, point) } : {};
  return await answerResume(runId, by, NO_BODY, { ...world.context, ...parts });
};
/** As dispatch takes it: parsed, and checked again. */
async function dispatchResumed(world: RunWorld) {
  for (const request of world.asked)
    checkRequest(RunRequest.parse(JSON.parse(JSON.stringify(request))), new Date(world.now()));
  await dispatchAsked(world);
}

describe('a rollout that was stopped', () => {
  it('goes on with what was never sent to, in its order, as a run that names it', async () => {
    const { world, run, runId } = await stopped();
    expect(describeRun(run)).toMatchObject({ neverSentTo: FLEET.slice(1) });
    const answer = await ask({ world, runId });
    const as = resumedAs(run);
    expect({ status: answer?.statusCode, body: JSON.parse(answer?.body ?? '') }).toEqual({
      status: 202,
      body: { runId: as, rule: run.rule, resumes: { runId }, instances: FLEET.slice(1) },
    });
    await dispatchResumed(world);
    const resumed = await world.run(as);
    expect(resumed).toMatchObject({
      rule: run.rule,
      trigger: run.trigger,
      resumes: { runId, by: tokenActor('sre') },
      notify: run.notify,
      status: 'pending',
      target: { ...run.target, instances: FLEET.slice(1) },
      // The canary again.
      invocations: [{ instances: [FLEET[1]] }],
      waves: { sizes: WAVES.sizes, begun: 1 },
    });
    expect(describeRun(run, resumed)).toMatchObject({ resumedAs: as });
    world.cloud.tasksAre('succeeded', FLEET[1] ?? '');
    await goOn({ world });
    world.cloud.tasksAre('succeeded', ...FLEET.slice(2));
    await goOn({ world });
    expect(await world.run(as)).toMatchObject({ status: 'succeeded' });
    expect(world.cloud.taken.flatMap(({ invocation }) => invocation.target.instances)).toEqual(FLEET);
  });

  it('keeps the patterns of its values, and what may follow it', async () => {
    const followUp = aFollowUp({ instances: 'touched' }, 'cmd-back0001');
    const { world, run, runId } = await stopped({
      parameters: { text: 'one; two' },
      patterns: { text: '[a-z; ]+' },
      followUps: [{ ...followUp, after: ['succeeded'] }],
    });
    await ask({ world, runId });
    expect(world.asked).toMatchObject([
      { patterns: { text: '[a-z; ]+' }, followUps: [{ rule: 'roll-back' }] },
    ]);
    await dispatchResumed(world);
    expect(await world.run(resumedAs(run))).toMatchObject({ followUps: [{ rule: 'roll-back' }] });
  });

  it('is on the audit with who resumed it, and found by them', async () => {
    const { world, run, runId } = await stopped();
    await ask({ world, runId }, 'the-lead');
    await dispatchResumed(world);
    const audit = dynamoAuditLog({ ...table, recordsTable: table.recordsTable, days: 400 });
    const { entries } = await audit.list({ limit: 20, by: 'the-lead' });
    expect(entries).toMatchObject([
      {
        act: 'run.resumed',
        actor: tokenActor('the-lead'),
        runId,
        message: expect.stringContaining(resumedAs(run)),
      },
    ]);
  });
});

describe('asked for more than once', () => {
  it('by two at once, it is one run', async () => {
    const { world, run, runId } = await stopped();
    const answers = await Promise.all([ask({ world, runId }, 'ann'), ask({ world, runId }, 'bob')]);
    expect(answers.map((answer) => answer?.statusCode)).toEqual([202, 202]);
    expect(new Set(world.asked.map((request) => request.runId))).toEqual(new Set([resumedAs(run)]));
    const both = world.asked.splice(0);
    await Promise.all(
      both.map(async (request) => request.action === 'run' && (await world.dispatch(request))),
    );
    expect(world.cloud.taken.flatMap(({ invocation }) => invocation.target.instances)).toEqual(
      FLEET.slice(0, 2),
    );
  });

  it('once it is there, the answer names it', async () => {
    const { world, run, runId } = await stopped();
    await ask({ world, runId });
    await dispatchResumed(world);
    await expect(ask({ world, runId })).rejects.toMatchObject({
      problem: {
        status: 409,
        code: 'run.resumed',
        detail: expect.stringContaining(`${resumedAs(run)}, which is pending`),
      },
    });
    expect(world.asked).toEqual([]);
  });

  it('after a process that died at any of its calls, it is one run', async () => {
    for (const when of ['before', 'after'] as const) {
      for (let at = 1; at <= 3; at += 1) {
        const { world, run, runId } = await stopped();
        await expect(ask({ world, runId }, 'sre', { at, when, calls: 0 })).rejects.toThrow(CRASH);
        const mayBeAsked = at === 3 && when === 'after';
        expect(world.asked).toHaveLength(mayBeAsked ? 1 : 0);
        await ask({ world, runId });
        await dispatchResumed(world);
        expect(await world.run(resumedAs(run))).toMatchObject({ status: 'pending' });
        expect(world.cloud.taken.flatMap(({ invocation }) => invocation.target.instances)).toEqual(
          FLEET.slice(0, 2),
        );
      }
    }
  });
});

describe('what else ended in the middle', () => {
  it('was cancelled: without what was cancelled by name', async () => {
    const rollout = aRollout();
    const { world, request, runId } = rollout;
    await world.dispatch(request);
    await cancelRun(runId, 'ann', world.context, [FLEET[3] ?? '']);
    await cancelRun(runId, 'ann', world.context);
    await goOn(rollout);
    const run = await world.run(runId);
    expect(run).toMatchObject({ status: 'stopped' });
    expect(neverSentTo(run)).toEqual(FLEET.slice(1, 3));
    expect((await ask(rollout))?.statusCode).toBe(202);
  });

  it('was too late for its second wave', async () => {
    const rollout = aRollout();
    const { world, request, runId } = rollout;
    await world.dispatch(request);
    world.cloud.tasksAre('succeeded');
    await world.poll();
    await world.context.guards.setFreeze({ by: 'ann', reason: 'a test' });
    world.advance(40_000);
    await world.poll();
    world.advance(901_000);
    await world.poll();
    await world.context.guards.setFreeze(undefined);
    await goOn(rollout);
    const run = await world.run(runId);
    expect({ isCut: isCutShort(run), left: neverSentTo(run) }).toEqual({ isCut: true, left: FLEET.slice(1) });
  });

  it('a run that should have resumed it and was refused can be resumed itself', async () => {
    const { world, run, runId } = await stopped();
    await world.context.guards.setFreeze({ by: 'ann', reason: 'a test' });
    await ask({ world, runId });
    await dispatchResumed(world);
    await world.context.guards.setFreeze(undefined);
    const first = await world.run(resumedAs(run));
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'guard.freeze' } });
    await expect(ask({ world, runId })).rejects.toMatchObject({
      problem: { detail: expect.stringContaining(`resume ${first.runId} to go on`) },
    });
    await ask({ world, runId: first.runId });
    await dispatchResumed(world);
    expect(await world.run(resumedAs(first))).toMatchObject({
      status: 'pending',
      resumes: { runId: first.runId, earlier: [runId] },
      target: { instances: FLEET.slice(1) },
    });
  });
});

describe('the guards of what is resumed', () => {
  const guards = {
    dedupe: { key: 'k', windowMs: 3_600_000 },
    cooldownMs: 3_600_000,
    times: { key: 'k', count: 1, withinMs: 600_000 },
  };

  it('count what its own line claimed as its own, and are not counted again', async () => {
    const { world, run, runId } = await stopped({ guards });
    await ask({ world, runId });
    expect(world.asked).toMatchObject([{ guards: { dedupe: guards.dedupe, cooldownMs: guards.cooldownMs } }]);
    await dispatchResumed(world);
    const resumed = await world.run(resumedAs(run));
    expect(resumed).toMatchObject({ status: 'pending' });
    expect(resumed.guards.times).toBeUndefined();
  });

  it('refuse it where another run has the claim', async () => {
    const { world, run, runId } = await stopped({ guards: { cooldownMs: 60_000 } });
    world.advance(61_000);
    await world.dispatch({
      ...world.request({ instances: ['ins-other0001'] }),
      rule: run.rule,
      guards: run.guards,
    });
    await ask({ world, runId });
    await dispatchResumed(world);
    expect(await world.run(resumedAs(run))).toMatchObject({
      status: 'rejected',
      reason: { code: 'guard.cooldown' },
    });
  });

  it('let it take the place of no later event (maxInFlight: replace)', async () => {
    const full = { maxInFlight: 1, whenFull: 'replace' as const };
    const { world, run, runId } = await stopped({ guards: full });
    const later = { ...world.request({ instances: ['ins-other0001'] }), rule: run.rule, guards: full };
    await world.dispatch(later);
    await ask({ world, runId });
    await dispatchResumed(world);
    expect(await world.run(resumedAs(run))).toMatchObject({
      status: 'rejected',
      reason: { code: 'guard.in-flight' },
    });
    expect((await world.run(later.runId)).cancelRequestedAt).toBeUndefined();
  });

  it('have it approved anew, and not by who resumed it', async () => {
    const terms = { users: ['U1'], channels: [], chats: ['slack'], expiresMs: 600_000 };
    const { world, request, runId } = aRollout();
    await world.dispatch({ ...request, approval: undefined });
    world.cloud.tasksAre('failed');
    await goOn({ world });
    const run = await world.run(runId);
    const approved = {
      ...run,
      approval: { ...terms, verdict: { kind: 'approved' as const, at: new Date(world.now()).toISOString() } },
    };
    const again = resumeRequest(approved, { by: tokenActor('sre'), now: new Date(world.now()) });
    if (again.action !== 'run') throw new Error('expected a run');
    expect(again.approval).toEqual(terms);
    await world.dispatch(again);
    const resumed = await world.run(again.runId);
    expect(resumed).toMatchObject({ waitingFor: { code: 'approval' }, invocations: [{ state: 'planned' }] });
    expect(whyMayNotJudge(resumed, { actor: tokenActor('sre') })).toMatchObject({ code: 'approval.own' });
    expect(whyMayNotJudge(resumed, { actor: tokenActor('lead') })).toBeUndefined();
  });

  it('leave out what has left a tagged fleet meanwhile', async () => {
    const { world, request, runId } = aRollout();
    world.cloud.fleetIs(...FLEET);
    await world.dispatch({
      ...request,
      target: { ...request.target, instances: [] },
      taggedFleet: { name: 'web', tags: { role: 'web' } },
    });
    world.cloud.tasksAre('failed');
    await goOn({ world });
    world.cloud.fleetIs(FLEET[0] ?? '', FLEET[3] ?? '', 'ins-new000001');
    world.advance(600_000);
    const run = await world.run(runId);
    await ask({ world, runId });
    await dispatchResumed(world);
    expect(await world.run(resumedAs(run))).toMatchObject({
      status: 'pending',
      target: { instances: [FLEET[3]] },
    });
  });
});

describe('what cannot be resumed', () => {
  it('is not there', async () => {
    const { world, runId } = aRollout();
    expect(await ask({ world, runId })).toBeUndefined();
  });

  it('has not ended', async () => {
    const { world, request, runId } = aRollout();
    await world.dispatch(request);
    await expect(ask({ world, runId })).rejects.toMatchObject({ problem: { status: 409, code: 'run.live' } });
  });

  it('was sent to every instance', async () => {
    const { world, run } = await stopped();
    const whole = { ...run, invocations: [{ token: 't', instances: FLEET, state: 'sent' as const }] };
    expect(whyNotResumable(whole, undefined)).toMatchObject({ code: 'run.nothing-left' });
    expect(world.asked).toEqual([]);
  });

  it('is no rollout', async () => {
    const { run } = await stopped();
    expect(whyNotResumable({ ...run, waves: undefined }, undefined)).toMatchObject({
      code: 'run.no-rollout',
    });
  });

  it('never began', async () => {
    const { world, request, runId } = aRollout();
    await world.context.guards.setFreeze({ by: 'ann', reason: 'a test' });
    await world.dispatch(request);
    await world.context.guards.setFreeze(undefined);
    await expect(ask({ world, runId })).rejects.toMatchObject({
      problem: { status: 409, code: 'run.not-begun' },
    });
  });

  it('had secrets, which are deleted by then, also in what follows it', async () => {
    const secret = { parameters: { token: 'hunter2-hunter2' }, secretParameters: ['token'] };
    const { world, run, runId } = await stopped(secret);
    await expect(ask({ world, runId })).rejects.toMatchObject({
      problem: {
        status: 409,
        code: 'run.secrets',
        detail: expect.stringContaining(FLEET.slice(1).join(', ')),
      },
    });
    const followUp = aFollowUp();
    if (followUp.asks.action !== 'run') throw new Error('expected a run');
    const asks = { ...followUp.asks, target: { ...followUp.asks.target, ...secret } };
    const after = await stopped({ followUps: [{ ...followUp, after: ['succeeded'], asks }] });
    expect(JSON.stringify(after.run)).not.toContain('hunter2');
    await expect(ask(after)).rejects.toMatchObject({ problem: { code: 'run.secrets' } });
    expect(JSON.stringify(run)).not.toContain('hunter2');
  });

  it('was begun by an earlier version, which kept no patterns', async () => {
    const { run } = await stopped();
    const { patterns: _, ...earlier } = run;
    expect(whyNotResumable(earlier, undefined)).toMatchObject({ code: 'run.earlier-version' });
  });

  it('is asked for with a body', async () => {
    const { world, runId } = await stopped();
    const body = Buffer.from('{"instances":["ins-1"]}');
    await expect(answerResume(runId, 'sre', { body }, world.context)).rejects.toMatchObject({
      problem: { status: 400, code: 'resume.invalid' },
    });
  });
});

it('costs a run without waves nothing: it stores no patterns, and is looked up once', async () => {
  const { world, request, runId } = aRollout({ parameters: { text: 'a' }, patterns: { text: 'a' } });
  await world.dispatch({ ...request, waves: undefined });
  const run = await world.run(runId);
  expect(Object.keys(run)).not.toContain('patterns');
  expect(Object.keys(run)).not.toContain('resumes');
});
