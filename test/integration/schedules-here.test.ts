/** What rules and people schedule waits in our table and is sent by us: guards hold when it is scheduled, and when it fires. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { answerChat } from '../../lib/chat/answer-chat.ts';
import type { Run } from '../../lib/model/run.ts';
import { RunRequest } from '../../lib/model/run-request.ts';
import { type CancelRequest, cancelRun, cancelRuns } from '../../lib/runs/cancel.ts';
import { fireHere } from '../../lib/runs/fire-here.ts';
import { describeRun } from '../../lib/runs/run-view.ts';
import { parseChatCommand } from '../../lib/sources/shared/chat-command.ts';
import { NO_CHAT } from '../fixtures/no-chat.ts';
import { aRunWorld, type RunWorld } from '../fixtures/run-world.ts';
import { startRunsTable } from '../fixtures/runs-table.ts';
import { aTimedRequest, schedule, type TimedGiven } from '../fixtures/timed-requests.ts';
import { aChat, rulesOf } from '../unit/rules/events.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const COOLDOWN = { guards: { cooldownMs: HOUR } };

let table: Awaited<ReturnType<typeof startRunsTable>>;
beforeEach(async () => {
  table = await startRunsTable();
});
afterEach(async () => {
  await table.stop();
});

function aWorld() {
  const rule = 'patch-web';
  const world = aRunWorld(table);
  return {
    ...world,
    rule,
    schedule: (given: TimedGiven = {}) => schedule(aTimedRequest(world, { rule, ...given }), world.context),
    ended: async (runId: string) => {
      await world.poll();
      world.cloud.tasksAre('succeeded');
      world.advance(2_000);
      await world.poll();
      return await world.run(runId);
    },
  };
}

function outcomeOf({ status, reason }: Pick<Run, 'status' | 'reason'>): string {
  return reason === undefined ? status : `${status} ${reason.code}`;
}

function cancelOf({ rule, now }: { rule: string; now: () => number }, more: Partial<CancelRequest> = {}) {
  const request: RunRequest = {
    version: 1,
    action: 'cancel',
    runId: `run-${'c'.repeat(26)}`,
    rule: 'stop-it',
    trigger: { source: 'test', type: 'alert.resolved', id: 'e' },
    notify: [],
    requestedAt: new Date(now()).toISOString(),
    targetRule: rule,
    ...more,
  };
  return request;
}

describe('a run that waits for its time', () => {
  test('says what it waits for, is sent at its time and not before, and ends like any other', async () => {
    const world = aWorld();
    const at = new Date(world.now() + 65_000).toISOString();
    const waiting = await world.schedule();
    expect(describeRun(waiting)).toMatchObject({
      status: 'scheduled',
      schedule: { at, firedBy: 'fleet-reflex', nextAt: at },
      waitingFor: { code: 'schedule.at', message: `It waits for its time, ${at}.` },
      deadline: new Date(Date.parse(at) + 900_000).toISOString(),
    });
    world.advance(64_000);
    await world.poll();
    expect(world.cloud.calls()).toBe(0);
    world.advance(1_000);
    expect(await world.ended(waiting.runId)).toMatchObject({ status: 'succeeded' });
    expect(world.cloud.calls()).toBe(1);
    expect(world.told(waiting.runId)).toEqual([
      'started',
      'inv-1/ins-1/succeeded',
      'inv-1/ins-2/succeeded',
      'succeeded',
    ]);
  });

  test('is sent with all that its rule says of a run', async () => {
    const world = aWorld();
    const { runId } = await world.schedule({
      username: 'deploy',
      timeoutSeconds: 30,
      workingDirectory: '/srv/app',
    });
    world.advance(65_000);
    await world.poll();
    const target = { timeoutSeconds: 30, workingDirectory: '/srv/app', username: 'deploy' };
    expect(await world.run(runId)).toMatchObject({ target });
    expect(world.cloud.taken[0]?.invocation).toMatchObject({ target });
  });

  test('wakes the poller at its time where the minute would be late', async () => {
    const world = aWorld();
    await world.schedule({ inMs: 20_000 });
    expect(world.wakes).toEqual([new Date(world.now() + 20_000)]);
    await world.schedule({ inMs: HOUR });
    expect(world.wakes).toHaveLength(1);
    world.advance(10_000);
    await world.poll();
    expect(world.wakes.at(-1)).toEqual(new Date(world.now() + 10_000));
  });

  test('is asked for twice by one delivery, and is one', async () => {
    const world = aWorld();
    const request = aTimedRequest(world, { rule: world.rule, execution: COOLDOWN });
    const first = await schedule(request, world.context);
    expect(await schedule(request, world.context)).toEqual(first);
    world.advance(65_000);
    await world.poll();
    expect(await schedule(request, world.context)).toMatchObject({ status: 'pending' });
    await world.poll();
    expect(world.cloud.calls()).toBe(1);
  });

  test('is kept in the table until long after its time, and after its end', async () => {
    const world = aWorld();
    const { runId } = await world.schedule({ inMs: 300 * DAY });
    const expiry = async () => Number((await table.itemOf(runId))['expiresAt']) * 1000;
    expect(await expiry()).toBeGreaterThan(world.now() + 329 * DAY);
    world.advance(300 * DAY);
    expect(await world.ended(runId)).toMatchObject({ status: 'succeeded' });
    expect(await expiry()).toBeGreaterThan(world.now() + 29 * DAY);
  });

  test('is listed on the day on which it is sent, or ends, not on that on which it was asked for', async () => {
    const world = aWorld();
    world.advance(-40 * DAY);
    const given = { requestedAt: new Date(world.now()).toISOString() };
    const sent = await world.schedule({ inMs: 40 * DAY, ...given });
    const stopped = await world.schedule({ inMs: 90 * DAY, ...given });
    const waiting = await world.schedule({ inMs: 90 * DAY, ...given });
    const listed = async () =>
      (await world.context.store.list({ limit: 9, rule: world.rule })).runs.map(({ runId }) => runId);
    const all = [sent, stopped, waiting].map(({ runId }) => runId);
    expect((await listed()).toSorted()).toEqual(all.toSorted());
    world.advance(40 * DAY);
    await cancelRun(stopped.runId, 'ann', world.context);
    await world.ended(sent.runId);
    expect((await listed()).toSorted()).toEqual([sent.runId, stopped.runId].toSorted());
    expect((await world.context.store.scheduled({ limit: 9 })).map(({ runId }) => runId)).toEqual([
      waiting.runId,
    ]);
  });

  test('that the poller did not see before its deadline ends expired, and is not sent', async () => {
    const world = aWorld();
    const { runId } = await world.schedule({ execution: { deadlineMs: 10 * MINUTE } });
    world.advance(65_000 + 10 * MINUTE);
    await world.poll();
    expect(outcomeOf(await world.run(runId))).toBe('expired schedule.late');
    expect(world.cloud.calls()).toBe(0);
  });

  test('is sent late within its deadline, which counts from its time', async () => {
    const world = aWorld();
    const { runId } = await world.schedule({ inMs: HOUR, execution: { deadlineMs: 10 * MINUTE } });
    world.advance(HOUR + 9 * MINUTE);
    expect(await world.ended(runId)).toMatchObject({ status: 'succeeded' });
  });

  test('that came late to dispatch is sent at once', async () => {
    const world = aWorld();
    const request = aTimedRequest(world, { rule: world.rule, inMs: 1_000 });
    world.advance(20_000);
    await schedule(request, world.context);
    expect(await world.ended(request.runId)).toMatchObject({ status: 'succeeded' });
  });

  test.each<[string, TimedGiven]>([
    ['once', { inMs: MINUTE }],
    ['again and again', { recurrence: '* * * * *' }],
  ])('%s, whose message came after its deadline, is not scheduled', async (_, given) => {
    const world = aWorld();
    const request = aTimedRequest(world, { rule: world.rule, ...given });
    world.advance(16 * MINUTE);
    expect(outcomeOf(await schedule(request, world.context))).toBe('expired schedule.late');
    for (let round = 0; round < 3; round += 1) await world.poll();
    expect(world.cloud.calls()).toBe(0);
  });

  test('for a time more than a year ahead is rejected', async () => {
    const world = aWorld();
    const run = await world.schedule({ inMs: 20 * 366 * DAY });
    expect(outcomeOf(run)).toBe('rejected schedule.invalid');
    expect(run.reason?.message).toContain('is more than a year ahead');
  });
});

describe('guards when it is scheduled', () => {
  test('three at once in a cooldown start one', async () => {
    const world = aWorld();
    const runs = await Promise.all([1, 2, 3].map(() => world.schedule({ execution: COOLDOWN })));
    expect(runs.map(outcomeOf).toSorted()).toEqual([
      'rejected guard.cooldown',
      'rejected guard.cooldown',
      'scheduled',
    ]);
    world.advance(65_000);
    await world.poll();
    expect(world.cloud.calls()).toBe(1);
  });

  test('one within the cooldown of a run is rejected, one right at its end is not', async () => {
    const world = aWorld();
    await world.dispatch(world.request({ rule: world.rule, guards: COOLDOWN.guards }));
    expect(outcomeOf(await world.schedule({ execution: COOLDOWN }))).toBe('rejected guard.cooldown');
    expect(outcomeOf(await world.schedule({ inMs: HOUR - 1, execution: COOLDOWN }))).toBe(
      'rejected guard.cooldown',
    );
    const { runId, ...rest } = await world.schedule({ inMs: HOUR, execution: COOLDOWN });
    expect(rest.status).toBe('scheduled');
    world.advance(HOUR);
    expect(await world.ended(runId)).toMatchObject({ status: 'succeeded' });
  });

  test.each([
    ['closer than the cooldown', HOUR + 59 * MINUTE, 'rejected guard.cooldown'],
    ['closer than the cooldown, before', MINUTE, 'rejected guard.cooldown'],
    ['as far as the cooldown', 2 * HOUR, 'scheduled'],
    ['as far as the cooldown, before', 1, 'scheduled'],
  ])('a second one %s to the first', async (_, inMs, expected) => {
    const world = aWorld();
    await world.schedule({ inMs: HOUR + 1, execution: COOLDOWN });
    expect(
      outcomeOf(await world.schedule({ inMs: inMs + (inMs === 2 * HOUR ? 1 : 0), execution: COOLDOWN })),
    ).toBe(expected);
  });

  test('dedupe: the same key within the window starts one, another key and another rule are free', async () => {
    const world = aWorld();
    const keyed = (key: string) => ({ execution: { guards: { dedupe: { key, windowMs: HOUR } } } });
    expect(outcomeOf(await world.schedule(keyed('a')))).toBe('scheduled');
    expect(outcomeOf(await world.schedule({ inMs: 10 * MINUTE, ...keyed('a') }))).toBe(
      'rejected guard.dedupe',
    );
    expect(outcomeOf(await world.schedule(keyed('b')))).toBe('scheduled');
    expect(outcomeOf(await world.schedule({ rule: `${world.rule}-other`, ...keyed('a') }))).toBe('scheduled');
  });

  test('a freeze, and more instances than maxInstances', async () => {
    const world = aWorld();
    expect(outcomeOf(await world.schedule({ execution: { guards: { maxInstances: 1 } } }))).toBe(
      'rejected guard.max-instances',
    );
    await world.context.guards.setFreeze({ by: 'ann', reason: 'an incident' });
    expect(outcomeOf(await world.schedule())).toBe('rejected guard.freeze');
    await world.context.guards.setFreeze(undefined);
  });

  test('a run of the rule at once is not stopped by one that waits for tomorrow', async () => {
    const world = aWorld();
    await world.schedule({ inMs: DAY, execution: COOLDOWN });
    const { run } = await world.dispatch(world.request({ rule: world.rule, guards: COOLDOWN.guards }));
    expect(run.status).toBe('pending');
  });

  test('at most a hundred of a rule wait; an ended one makes room', async () => {
    const world = aWorld();
    const some: Run[] = [];
    for (let hour = 1; hour <= 105; hour += 1) some.push(await world.schedule({ inMs: hour * HOUR }));
    expect(
      Object.entries(Object.groupBy(some, outcomeOf)).map(([outcome, runs]) => [outcome, runs?.length]),
    ).toEqual(
      expect.arrayContaining([
        ['scheduled', 100],
        ['rejected guard.max-waiting', 5],
      ]),
    );
    const [first] = some.filter(({ status }) => status === 'scheduled');
    await cancelRun(first?.runId ?? '', 'ann', world.context);
    await world.poll();
    expect(outcomeOf(await world.schedule())).toBe('scheduled');
  }, 60_000);

  test('maxPerHour: no hour has more of them, nor more of their instances', async () => {
    const world = aWorld();
    const execution = { guards: { maxPerHour: { runs: 2, instances: 5 } } };
    const outcomes: string[] = [];
    // Two in an hour; a third within an hour of both, or of the later one and another; then one at its end.
    for (const minutes of [100, 130, 159, 75, 160, 190]) {
      outcomes.push(outcomeOf(await world.schedule({ inMs: minutes * MINUTE, execution })));
    }
    expect(outcomes).toEqual([
      'scheduled',
      'scheduled',
      'rejected guard.max-per-hour',
      'rejected guard.max-per-hour',
      'scheduled',
      'scheduled',
    ]);
    const many = { instances: ['ins-1', 'ins-2', 'ins-3', 'ins-4'], execution };
    expect(outcomeOf(await world.schedule({ inMs: 9 * HOUR, ...many }))).toBe('scheduled');
    expect(outcomeOf(await world.schedule({ inMs: 9 * HOUR, execution }))).toBe(
      'rejected guard.max-per-hour',
    );
  });

  test('what was rejected takes no place', async () => {
    const world = aWorld();
    await world.schedule({ execution: { guards: { cooldownMs: HOUR, maxInstances: 1 } } });
    expect(await world.context.guards.agenda(world.rule)).toMatchObject({ appointments: [] });
    expect(outcomeOf(await world.schedule({ execution: COOLDOWN }))).toBe('scheduled');
  });
});

describe('a person in a chat', () => {
  const ruleSet = rulesOf(
    '  - { name: restart, on: slack, byName: true, allow: { users: [U1] }, run: { provider: tencent, region: ap-guangzhou, command: cmd-1, instances: [ins-1] }, guards: { cooldown: 1h } }',
  );
  const port = NO_CHAT;

  test('who schedules a rule with a cooldown three times at once starts it once', async () => {
    const world = aWorld();
    const answers = await Promise.all(
      ['e-1', 'e-2', 'e-3'].map((id) => {
        const typed = aChat(parseChatCommand('/fleet', 'schedule restart in 65s'));
        return answerChat({ ...typed, id }, { ruleSet, port, now: new Date(world.now()) });
      }),
    );
    const requests = answers.flatMap((answer) => (answer.kind === 'answered' ? answer.requests : []));
    expect(requests).toHaveLength(3);
    const runs = await Promise.all(
      requests.map((request) => {
        // As the queue hands it on.
        const came = RunRequest.parse(JSON.parse(JSON.stringify(request)));
        if (came.action !== 'schedule') throw new Error('another action');
        return schedule(came, world.context);
      }),
    );
    expect(runs.map(outcomeOf).toSorted()).toEqual([
      'rejected guard.cooldown',
      'rejected guard.cooldown',
      'scheduled',
    ]);
    world.advance(65_000);
    await world.poll();
    expect(world.cloud.calls()).toBe(1);
  });
});

describe('guards when it fires', () => {
  test('a frozen fleet is sent nothing', async () => {
    const world = aWorld();
    const { runId } = await world.schedule();
    await world.context.guards.setFreeze({ by: 'ann', reason: 'an incident' });
    world.advance(65_000);
    await world.poll();
    expect(outcomeOf(await world.run(runId))).toBe('rejected guard.freeze');
    await world.context.guards.setFreeze(undefined);
    world.advance(MINUTE);
    await world.poll();
    expect(world.cloud.calls()).toBe(0);
  });

  test('a run of the rule meanwhile: it is within the cooldown', async () => {
    const world = aWorld();
    const { runId } = await world.schedule({ execution: COOLDOWN });
    await world.dispatch(world.request({ rule: world.rule, guards: COOLDOWN.guards }));
    world.advance(65_000);
    await world.poll();
    expect(outcomeOf(await world.run(runId))).toBe('rejected guard.cooldown');
    expect(world.cloud.calls()).toBe(1);
  });

  test('maxPerHour: what began meanwhile counts', async () => {
    const world = aWorld();
    const guards = { maxPerHour: { runs: 1 } };
    const { runId } = await world.schedule({ execution: { guards } });
    await world.dispatch(world.request({ rule: world.rule, guards }));
    world.advance(65_000);
    await world.poll();
    expect(outcomeOf(await world.run(runId))).toBe('rejected guard.max-per-hour');
    expect(world.cloud.calls()).toBe(1);
  });

  test('its own cooldown counts from when it fired', async () => {
    const world = aWorld();
    await world.schedule({ inMs: 30 * MINUTE, execution: COOLDOWN });
    world.advance(30 * MINUTE);
    await world.poll();
    world.advance(59 * MINUTE);
    const again = () => world.dispatch(world.request({ rule: world.rule, guards: COOLDOWN.guards }));
    expect(outcomeOf((await again()).run)).toBe('rejected guard.cooldown');
    world.advance(MINUTE);
    expect((await again()).run.status).toBe('pending');
  });

  test('maxInFlight: it waits for its place, asks again soon, and goes', async () => {
    const world = aWorld();
    const guards = { maxInFlight: 1 };
    await world.dispatch(world.request({ rule: world.rule, guards }));
    const { runId } = await world.schedule({ execution: { guards } });
    world.cloud.tasksAre('running');
    world.advance(65_000);
    await world.poll();
    expect(await world.run(runId)).toMatchObject({
      status: 'dispatching',
      waitingFor: { code: 'guard.in-flight' },
      pollAt: new Date(world.now() + 5_000).toISOString(),
    });
    world.cloud.tasksAre('succeeded');
    for (let round = 0; round < 5; round += 1) {
      world.advance(5_000);
      await world.poll();
    }
    expect(await world.run(runId)).toMatchObject({ status: 'pending' });
  });

  test('what cannot be sent before the deadline, counted from its time, ends expired', async () => {
    const world = aWorld();
    const { runId } = await world.schedule({ inMs: HOUR, execution: { deadlineMs: MINUTE } });
    world.cloud.next(...Array.from({ length: 99 }, () => ({ refuse: { isRetryable: true, code: 'Busy' } })));
    world.advance(HOUR);
    await world.poll();
    expect(await world.run(runId)).toMatchObject({ status: 'dispatching', waitingFor: { code: 'Busy' } });
    world.advance(MINUTE);
    await world.poll();
    expect(outcomeOf(await world.run(runId))).toBe('expired Busy');
  });
});

describe('a cancel', () => {
  test.each<[string, (world: ReturnType<typeof aWorld>, runId: string) => Promise<unknown>]>([
    ['of the run', (world, runId) => cancelRun(runId, 'ann', world.context)],
    ['by its rule', (world) => cancelRuns(cancelOf(world), world.context)],
    ['by its rule and key', (world) => cancelRuns(cancelOf(world, { key: 'k' }), world.context)],
    [
      'by its run id in a request, as a chat sends it',
      (world, targetRunId) => cancelRuns({ ...cancelOf(world, { targetRunId }) }, world.context),
    ],
  ])('%s: it is never sent', async (_, cancel) => {
    const world = aWorld();
    const execution = { guards: { dedupe: { key: 'k', windowMs: HOUR } } };
    const { runId } = await world.schedule({ execution });
    await cancel(world, runId);
    await world.poll();
    expect(outcomeOf(await world.run(runId))).toBe('stopped run.cancelled');
    world.advance(65_000);
    await world.poll();
    expect(world.cloud.calls()).toBe(0);
    // Its place is free.
    expect(outcomeOf(await world.schedule({ execution }))).toBe('scheduled');
  });

  test('of another key leaves it', async () => {
    const world = aWorld();
    const { runId } = await world.schedule({
      execution: { guards: { dedupe: { key: 'k', windowMs: HOUR } } },
    });
    await cancelRuns(cancelOf(world, { key: 'other' }), world.context);
    world.advance(65_000);
    expect(await world.ended(runId)).toMatchObject({ status: 'succeeded' });
  });

  test('that overtook it on the queue still stops it', async () => {
    const world = aWorld();
    const request = aTimedRequest(world, { rule: world.rule });
    world.advance(1_000);
    await cancelRuns(cancelOf(world), world.context);
    expect(outcomeOf(await schedule(request, world.context))).toBe('rejected guard.cancelled');
  });

  test('finds it although the index does not show it yet', async () => {
    const world = aWorld();
    const { runId } = await world.schedule({ inMs: 3 * DAY });
    const blind = { ...world.context, store: { ...world.context.store, live: async () => [] } };
    expect(await cancelRuns(cancelOf(world), blind)).toEqual({ cancelled: [runId] });
  });

  test('at the moment of its firing: it is sent and stopped, or not sent', async () => {
    const world = aWorld();
    const { runId } = await world.schedule();
    world.advance(65_000);
    await Promise.all([world.poll(), cancelRun(runId, 'ann', world.context)]);
    world.advance(2_000);
    await world.poll();
    expect(await world.run(runId)).toMatchObject({ status: 'stopped' });
    expect(world.cloud.cancelled).toHaveLength(world.cloud.calls());
  });
});

describe('a run that the poller has read, and that is cancelled before it fires', () => {
  test.each<[string, TimedGiven]>([
    ['once', { execution: { deadlineMs: 2 * HOUR } }],
    ['again and again', { recurrence: '0 * * * *', execution: { deadlineMs: 2 * HOUR } }],
  ])('%s: nothing is sent', async (_, given) => {
    const world = aWorld();
    const read = await world.schedule(given);
    world.advance(HOUR);
    await cancelRun(read.runId, 'ann', world.context);
    await fireHere(read, world.context);
    for (let round = 0; round < 3; round += 1) await world.poll();
    expect(outcomeOf(await world.run(read.runId))).toBe('stopped run.cancelled');
    expect(world.cloud.calls()).toBe(0);
  });
});

describe('again and again', () => {
  const EACH_HOUR = { recurrence: '0 * * * *' };
  const firings = async ({ context, rule }: RunWorld & { rule: string }) =>
    (await context.store.list({ limit: 100, rule })).runs.filter(
      ({ trigger }) => trigger.source === 'schedule',
    );

  /** To the next full hour. */
  const toTheHour = (world: RunWorld) => world.advance(HOUR - (world.now() % HOUR));

  test('each time is a run of its own, once, and the one that asked for it waits on', async () => {
    const world = aWorld();
    const parent = await world.schedule(EACH_HOUR);
    toTheHour(world);
    const at = new Date(world.now()).toISOString();
    for (let round = 0; round < 3; round += 1) await world.poll();
    const [firing, ...others] = await firings(world);
    expect(others).toEqual([]);
    expect(firing).toMatchObject({
      status: 'pending',
      requestedAt: at,
      trigger: { source: 'schedule', type: 'schedule.fired', subject: parent.runId },
    });
    expect(await world.run(parent.runId)).toMatchObject({
      status: 'scheduled',
      schedule: { timer: { nextAt: new Date(Date.parse(at) + HOUR).toISOString() } },
    });
    toTheHour(world);
    for (let round = 0; round < 3; round += 1) await world.poll();
    expect(world.cloud.calls()).toBe(2);
  });

  test('its guards are asked each time', async () => {
    const world = aWorld();
    await world.schedule({ ...EACH_HOUR, execution: { guards: { cooldownMs: 90 * MINUTE } } });
    for (let hour = 0; hour < 4; hour += 1) {
      toTheHour(world);
      for (let round = 0; round < 3; round += 1) await world.poll();
    }
    expect((await firings(world)).map(outcomeOf).toSorted()).toEqual([
      'pending',
      'pending',
      'rejected guard.cooldown',
      'rejected guard.cooldown',
    ]);
  });

  test('three at once in a cooldown start one', async () => {
    const world = aWorld();
    const runs = await Promise.all(
      [1, 2, 3].map(() => world.schedule({ ...EACH_HOUR, execution: COOLDOWN })),
    );
    expect(runs.map(outcomeOf).toSorted()).toEqual([
      'rejected guard.cooldown',
      'rejected guard.cooldown',
      'scheduled',
    ]);
  });

  test('times that were missed are made up for by one, late or not at all', async () => {
    const world = aWorld();
    await world.schedule(EACH_HOUR);
    toTheHour(world);
    world.advance(5 * HOUR + 1);
    for (let round = 0; round < 3; round += 1) await world.poll();
    expect((await firings(world)).map(outcomeOf)).toEqual(['expired schedule.late']);
    toTheHour(world);
    for (let round = 0; round < 3; round += 1) await world.poll();
    expect(world.cloud.calls()).toBe(1);
  });

  test('a cancel ends it', async () => {
    const world = aWorld();
    const { runId } = await world.schedule(EACH_HOUR);
    await cancelRuns(cancelOf(world), world.context);
    toTheHour(world);
    for (let round = 0; round < 3; round += 1) await world.poll();
    expect(outcomeOf(await world.run(runId))).toBe('stopped run.cancelled');
    expect(world.cloud.calls()).toBe(0);
  });

  test.each([
    ['a wrong one', { recurrence: '61 * * * *' }, 'schedule.invalid'],
    [
      'one that each instance would read by its own clock',
      { provider: 'alibaba' as const, recurrence: '0 0 3 * * ?' },
      'schedule.invalid',
    ],
  ])('%s is rejected', async (_, given, code) => {
    expect((await aWorld().schedule(given)).reason?.code).toBe(code);
  });

  test('a rate counts from when it was asked for', async () => {
    const world = aWorld();
    const asked = world.now();
    const { schedule: made } = await world.schedule({ provider: 'alibaba', recurrence: 'rate(5m)' });
    expect(made?.timer?.nextAt).toBe(new Date(asked + 5 * MINUTE).toISOString());
    world.advance(7 * MINUTE);
    for (let round = 0; round < 3; round += 1) await world.poll();
    expect((await world.context.store.list({ limit: 10, rule: world.rule })).runs).toMatchObject([
      { status: 'pending' },
      { schedule: { nextAt: new Date(asked + 10 * MINUTE).toISOString() } },
    ]);
  });
});
