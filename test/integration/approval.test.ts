/** A run that needs a second person: nothing is sent before, once after, and nothing stays for ever. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Actor } from '../../lib/model/actor.ts';
import type { Judge } from '../../lib/rules/may-judge.ts';
import { cancelRun } from '../../lib/runs/cancel.ts';
import { carryOut } from '../../lib/runs/carry-out.ts';
import { judge } from '../../lib/runs/judge-approval.ts';
import { seeTo } from '../../lib/runs/see-to.ts';
import { aRunWorld, type RunOnlyRequest, type RunWorld } from '../fixtures/run-world.ts';
import { startRunsTable } from '../fixtures/runs-table.ts';

let table: Awaited<ReturnType<typeof startRunsTable>>;
let world: RunWorld;
beforeEach(async () => {
  table = await startRunsTable();
  world = aRunWorld(table);
});
afterEach(async () => {
  await table.stop();
});

const ADA: Actor = { id: 'U1', name: 'ada', chat: 'slack' };
const BOB: Actor = { id: 'U2', name: 'bob', chat: 'slack' };
const person = ({ id = '', chat = '' }: Actor, channel = 'C1'): Judge => ({
  actor: { id, chat },
  person: { chat, user: { id }, channel: { id: channel } },
});
const TOKEN: Judge = { actor: { id: 'approver', source: 'api' } };
const TERMS = { users: ['U1', 'U2'], channels: ['C1'], chats: ['slack'], expiresMs: 1_800_000 };

function asked(given: Partial<RunOnlyRequest> = {}): RunOnlyRequest {
  const request = world.request();
  const trigger = { ...request.trigger, actor: ADA };
  return { ...request, trigger, approval: TERMS, ...given };
}

const say = (request: RunOnlyRequest, kind: 'approved' | 'denied', by: Judge, why?: string) =>
  judge(request.runId, { kind, why }, by, world.context);

describe('asking', () => {
  test('it waits in the table, tells who may and what will run, and nothing is sent', async () => {
    const request = asked();
    expect(await world.dispatch(request)).toMatchObject({ kind: 'done' });
    const run = await world.run(request.runId);
    const until = new Date(world.now() + 1_800_000).toISOString();
    expect(run).toMatchObject({
      status: 'dispatching',
      waitingFor: { code: 'approval', until },
      pollAt: until,
      outbox: [],
    });
    expect(world.cloud.calls()).toBe(0);
    expect(world.told(request.runId)).toEqual(['waiting']);
    expect(world.events.at(-1)).toMatchObject({
      type: 'fleet-reflex.run.waiting',
      data: {
        status: 'dispatching',
        waitingFor: { code: 'approval', until },
        approval: {
          users: ['U1', 'U2'],
          channels: ['C1'],
          until,
          plan: { script: 'restart web', waves: [{ count: 2, instances: ['ins-1', 'ins-2'] }] },
        },
      },
    });
  });

  test('a repeated message and the poller write nothing and read one item; none before its time is over', async () => {
    const request = asked();
    await world.dispatch(request);
    const { revision } = await world.run(request.runId);
    await world.dispatch(request);
    await seeTo(await world.run(request.runId), world.context);
    world.advance(1_000_000);
    await world.poll();
    expect((await world.run(request.runId)).revision).toBe(revision);
    expect(world.cloud.calls()).toBe(0);
    expect(world.tellings(request.runId)).toBe(1);
  });

  test('a cloud that does not say what the command is: it is asked again, and nobody is', async () => {
    const request = asked();
    world.cloud.cannotSayCommands(true);
    expect(await world.dispatch(request)).toMatchObject({ kind: 'retry' });
    expect(await world.run(request.runId)).toMatchObject({ waitingFor: { code: 'approval.unread' } });
    world.cloud.cannotSayCommands(false);
    world.advance(60_000);
    await world.dispatch(request);
    expect((await world.run(request.runId)).waitingFor?.code).toBe('approval');
  });

  test('a command that is not there is not asked about', async () => {
    const request = asked();
    world.cloud.stores(undefined);
    await world.dispatch(request);
    expect(await world.run(request.runId)).toMatchObject({
      status: 'rejected',
      reason: { code: 'command.unknown' },
    });
  });

  test('what the guards before it refuse is not asked about', async () => {
    const request = asked({ guards: { maxInstances: 1 } });
    await world.dispatch(request);
    expect((await world.run(request.runId)).reason?.code).toBe('guard.max-instances');
    expect(world.cloud.commandReads()).toBe(0);
  });

  test('it takes no place in flight', async () => {
    const request = asked({ guards: { maxInFlight: 1 } });
    await world.dispatch(request);
    expect(await world.context.guards.enterFlight(request.rule, 'run-other', 1)).toBe(true);
  });

  test('destinations that are down: nobody is told, and the message comes back', async () => {
    const request = asked();
    world.destinationIsDown(true);
    await expect(world.dispatch(request)).rejects.toThrow('not there');
    world.destinationIsDown(false);
    await world.dispatch(request);
    expect(world.told(request.runId)).toEqual(['waiting']);
  });
});

describe('approving', () => {
  test('it is sent once, by the poller, and its deadline counts from the approval', async () => {
    const request = asked();
    await world.dispatch(request);
    world.advance(1_799_000);
    expect(await say(request, 'approved', person(BOB))).toMatchObject({ kind: 'done' });
    expect(await world.run(request.runId)).toMatchObject({
      deadline: new Date(world.now() + 900_000).toISOString(),
      pollAt: new Date(world.now()).toISOString(),
    });
    expect(world.wakes.at(-1)).toEqual(new Date(world.now()));
    await world.poll();
    await world.poll();
    expect(world.cloud.taken.map(({ invocation }) => invocation.target.instances)).toEqual([
      ['ins-1', 'ins-2'],
    ]);
    world.cloud.tasksAre('succeeded');
    world.advance(60_000);
    await world.poll();
    expect(await world.run(request.runId)).toMatchObject({
      status: 'succeeded',
      approval: { verdict: { kind: 'approved', by: { id: 'U2', chat: 'slack' } } },
    });
  });

  test('by a message of a chat, which says who it is, and it is in the audit', async () => {
    const request = asked();
    await world.dispatch(request);
    const { context } = world;
    const message = (actor: Actor, runId = request.runId) => ({
      ...{ version: 1, action: 'judge', runId: request.runId, rule: request.rule, notify: [] },
      trigger: { source: 'slack', type: 'chat.action', id: 'press-1', actor },
      requestedAt: new Date(world.now()).toISOString(),
      ...{ targetRunId: runId, kind: 'approved' },
      person: { chat: 'slack', user: { id: actor.id }, channel: { id: 'C1' } },
    });
    const carry = (body: object) =>
      carryOut(
        { body: JSON.stringify(body) },
        { ...context, events: { put: async () => {} }, schedule: async () => ({ kind: 'done' }) },
      );
    for (const body of [
      message(ADA),
      message({ id: 'U9', chat: 'slack' }),
      message(BOB, `run-${'a'.repeat(26)}`),
    ])
      await carry(body);
    expect((await world.run(request.runId)).approval?.verdict).toBeUndefined();
    await carry(message(BOB));
    await carry(message(BOB));
    await world.poll();
    expect(world.cloud.calls()).toBe(1);
    expect([...world.audited.values()]).toEqual([
      {
        version: 1,
        id: `run.approved/${request.runId}`,
        at: expect.any(String),
        act: 'run.approved',
        actor: BOB,
        runId: request.runId,
        rule: request.rule,
        message: 'The run was approved.',
      },
    ]);
  });

  test.each([
    ['who asked', person(ADA), 'approval.own'],
    ['who asked, under another name', { ...person(ADA), actor: { ...ADA, name: 'eve' } }, 'approval.own'],
    ['a stranger', person({ id: 'U9', chat: 'slack' }), 'approval.not-allowed'],
    ['the same id in another chat', person({ id: 'U2', chat: 'gitlab' }), 'approval.not-allowed'],
    ['somebody in another channel', person(BOB, 'C9'), 'approval.not-allowed'],
  ])('not by %s', async (_, by, code) => {
    const request = asked();
    await world.dispatch(request);
    expect(await say(request, 'approved', by)).toMatchObject({ kind: 'refused', code });
    expect(await say(request, 'denied', by)).toMatchObject({ kind: 'refused', code });
    await world.poll();
    expect(world.cloud.calls()).toBe(0);
    expect((await world.run(request.runId)).approval?.verdict).toBeUndefined();
  });

  test('not by the token that caused it, nor by who started the chain', async () => {
    const request = asked({
      trigger: {
        source: 'test',
        type: 'deploy.created',
        id: 'e',
        actor: { id: 'approver', source: 'api' },
        startedBy: BOB,
      },
    });
    await world.dispatch(request);
    expect(await say(request, 'approved', TOKEN)).toMatchObject({ code: 'approval.own' });
    expect(await say(request, 'approved', person(BOB))).toMatchObject({ code: 'approval.own' });
    expect(await say(request, 'approved', { actor: { id: 'other', source: 'api' } })).toMatchObject({
      kind: 'done',
    });
  });

  test('an alert was asked for by nobody: any of those who may', async () => {
    const request = asked({ trigger: { source: 'test', type: 'alert.firing', id: 'e' } });
    await world.dispatch(request);
    expect(await say(request, 'approved', person(ADA))).toMatchObject({ kind: 'done' });
  });

  test('again by the same one changes nothing; by another one it is told apart', async () => {
    const request = asked();
    await world.dispatch(request);
    await say(request, 'approved', person(BOB));
    const { revision } = await world.run(request.runId);
    expect(await say(request, 'approved', person(BOB))).toMatchObject({ kind: 'done' });
    expect(await say(request, 'approved', TOKEN)).toMatchObject({ kind: 'notWaiting' });
    expect(await say(request, 'denied', person(BOB))).toMatchObject({ kind: 'notWaiting' });
    expect((await world.run(request.runId)).revision).toBe(revision);
    await world.poll();
    expect(world.cloud.calls()).toBe(1);
    expect(await say(request, 'approved', person(BOB))).toMatchObject({ kind: 'done' });
  });

  test('two at once, and one who denies: one verdict', async () => {
    const request = asked();
    await world.dispatch(request);
    const said = await Promise.all([
      say(request, 'approved', person(BOB)),
      say(request, 'denied', TOKEN),
      say(request, 'approved', { actor: { id: 'ops', source: 'api' } }),
    ]);
    expect(said.filter(({ kind }) => kind === 'done')).toHaveLength(1);
    expect(said.filter(({ kind }) => kind === 'notWaiting')).toHaveLength(2);
    await world.poll();
    const { approval } = await world.run(request.runId);
    expect(world.cloud.calls()).toBe(approval?.verdict?.kind === 'approved' ? 1 : 0);
  });

  test('a run that needs none, one that is not there, one that has ended', async () => {
    const plain = world.request();
    await world.dispatch(plain);
    expect(await say(plain, 'approved', TOKEN)).toMatchObject({ kind: 'notWaiting' });
    const missing = { ...plain, runId: `run-${'a'.repeat(26)}` };
    expect(await say(missing, 'approved', TOKEN)).toEqual({ kind: 'missing' });
    const cancelled = asked();
    await world.dispatch(cancelled);
    await cancelRun(cancelled.runId, 'ann', world.context);
    expect(await say(cancelled, 'approved', TOKEN)).toMatchObject({
      kind: 'notWaiting',
      because: 'it is being cancelled',
    });
    await world.poll();
    expect(await say(cancelled, 'approved', TOKEN)).toMatchObject({ because: 'it has ended as stopped' });
    expect((await world.run(cancelled.runId)).reason?.code).toBe('run.cancelled');
  });
});

describe('what ends it', () => {
  test('denied: nothing is sent, its claims are free, and who and why are on record', async () => {
    const dedupe = { key: 'key', windowMs: 600_000 };
    const request = asked({ guards: { dedupe } });
    await world.dispatch(request);
    expect(await say(request, 'denied', person(BOB), 'not on a Friday')).toMatchObject({ kind: 'done' });
    expect(await world.run(request.runId)).toMatchObject({
      status: 'rejected',
      reason: {
        code: 'approval.denied',
        message: 'slack/U2 denied it: not on a Friday. Nothing was sent.',
      },
    });
    expect(world.told(request.runId)).toEqual(['waiting', 'rejected']);
    const next = await world.context.guards.claimant(
      'dedupe',
      request.rule,
      dedupe.key,
      new Date(world.now()),
    );
    expect(next).toBeUndefined();
    expect(await say(request, 'denied', person(BOB))).toMatchObject({ kind: 'done' });
    await world.poll();
    expect(world.cloud.calls()).toBe(0);
  });

  test('expired: nobody can approve it any more, and the poller ends it by itself', async () => {
    const request = asked();
    await world.dispatch(request);
    world.advance(1_800_000);
    expect(await say(request, 'approved', person(BOB))).toMatchObject({ kind: 'notWaiting' });
    await world.poll();
    expect(await world.run(request.runId)).toMatchObject({
      status: 'rejected',
      reason: { code: 'approval.expired' },
    });
    expect(world.cloud.calls()).toBe(0);
  });

  test('some of its instances cancelled: it still waits, and is sent to the others', async () => {
    const request = asked();
    await world.dispatch(request);
    await cancelRun(request.runId, 'ann', world.context, ['ins-1']);
    await world.poll();
    expect(await world.run(request.runId)).toMatchObject({
      status: 'dispatching',
      waitingFor: { code: 'approval' },
    });
    expect(await world.run(request.runId)).toMatchObject({
      pollAt: (await world.run(request.runId)).approval?.asked?.until,
    });
    await say(request, 'approved', person(BOB));
    await world.poll();
    expect(world.cloud.taken.map(({ invocation }) => invocation.target.instances)).toEqual([['ins-2']]);
  });

  test('a freeze between approval and send', async () => {
    const request = asked();
    await world.dispatch(request);
    await world.context.guards.setFreeze({ by: 'ann', reason: 'incident' });
    await say(request, 'approved', person(BOB));
    await world.poll();
    await world.context.guards.setFreeze(undefined);
    expect(world.cloud.calls()).toBe(0);
    expect((await world.run(request.runId)).reason?.code).toBe('guard.freeze');
  });
});

describe('what was approved is what runs', () => {
  const COMMAND = { content: 'restart <what>', settings: { user: 'root' }, script: 'restart web' };

  test.each([
    ['text', { ...COMMAND, content: 'rm -rf /' }, 'text of the stored command'],
    ['user', { ...COMMAND, settings: { user: 'eve' } }, 'settings of the stored command'],
  ])('a stored command whose %s was changed voids it', async (_, changed, part) => {
    world.cloud.stores(COMMAND);
    const request = asked();
    await world.dispatch(request);
    await say(request, 'approved', person(BOB));
    world.cloud.stores(changed);
    await world.poll();
    expect(await world.run(request.runId)).toMatchObject({
      status: 'rejected',
      reason: { code: 'approval.void', message: `Changed after it was approved: the ${part}.` },
    });
    expect(world.cloud.calls()).toBe(0);
  });

  test.each([
    ['instances', { instances: ['ins-1', 'ins-2', 'ins-3'] }],
    ['parameters', { parameters: { what: 'db' } }],
    ['user', { username: 'root' }],
    ['command', { command: 'cmd-other' }],
    ['region', { region: 'ap-beijing' }],
  ])('stored %s that are others void it', async (part, change) => {
    const request = asked();
    await world.dispatch(request);
    await say(request, 'approved', person(BOB));
    const run = await world.run(request.runId);
    if (run.target === undefined) throw new Error('no target');
    await world.context.store.save({ ...run, target: { ...run.target, ...change } });
    await seeTo(await world.run(request.runId), world.context);
    const { reason } = await world.run(request.runId);
    expect(reason?.code).toBe('approval.void');
    expect(reason?.message).toContain(part);
    expect(world.cloud.calls()).toBe(0);
  });

  test('a cloud that does not say it: nothing is sent until it does', async () => {
    const request = asked();
    await world.dispatch(request);
    await say(request, 'approved', person(BOB));
    world.cloud.cannotSayCommands(true);
    await world.poll();
    expect(world.cloud.calls()).toBe(0);
    expect((await world.run(request.runId)).waitingFor?.code).toBe('approval.unread');
    world.cloud.cannotSayCommands(false);
    world.advance(20_000);
    await world.poll();
    expect(world.cloud.calls()).toBe(1);
  });

  test('changed between two waves: the first has run, the second is not sent', async () => {
    const waves = { sizes: [{ instances: 1 }], pauseMs: 0, stopAfterFailures: 1, onStop: 'finish' as const };
    const request = asked({ waves });
    await world.dispatch(request);
    await say(request, 'approved', person(BOB));
    await world.poll();
    world.cloud.stores({ ...COMMAND, content: 'other' });
    world.cloud.tasksAre('succeeded');
    for (let round = 0; round < 4; round += 1) {
      world.advance(20_000);
      await world.poll();
    }
    const run = await world.run(request.runId);
    expect(run.reason?.code).toBe('approval.void');
    expect(world.cloud.taken.map(({ invocation }) => invocation.target.instances)).toEqual([['ins-1']]);
  });

  test('a run whose rule asks for none reads no command', async () => {
    await world.dispatch(world.request());
    expect(world.cloud.commandReads()).toBe(0);
    expect(world.cloud.calls()).toBe(1);
  });

  test('secret values are neither told nor left as a hash at its end', async () => {
    const request = asked();
    const target = { ...request.target, parameters: { pin: 'geheim-123' }, secretParameters: ['pin'] };
    await world.dispatch({ ...request, target });
    expect(JSON.stringify(world.events)).not.toContain('geheim-123');
    await say(request, 'denied', person(BOB));
    const run = await world.run(request.runId);
    expect(run.approval?.asked?.seal).not.toHaveProperty('parameters');
    expect(JSON.stringify(run)).not.toContain('geheim-123');
  });
});
