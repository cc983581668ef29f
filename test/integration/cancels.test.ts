/**
 * A cancel acts once: what comes again, late or out of order stops no run that it is not for, and the run that it is
 * for is stopped, whatever the door and the queue do with the order.
 */

import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silent } from '../../lib/logging.ts';
import type { Run } from '../../lib/model/run.ts';
import type { RunRequest } from '../../lib/model/run-request.ts';
import type { TriggerEvent } from '../../lib/model/trigger-event.ts';
import { cancelRun, cancelRuns } from '../../lib/runs/cancel.ts';
import { decide } from '../../lib/runs/decide.ts';
import { describeRun } from '../../lib/runs/run-view.ts';
import { SOURCES } from '../../lib/sources/registry.ts';
import { requestOfMessage } from '../../lib/sources/source.ts';
import { dynamoGuardStore } from '../../lib/store/dynamodb-guard-store.ts';
import { NO_CHAT } from '../fixtures/no-chat.ts';
import { rememberedContents } from '../fixtures/remembered-contents.ts';
import { FAILURE } from '../fixtures/run-world.ts';
import { aRunsQueueWorld } from '../fixtures/runs-queue-world.ts';
import { startRunsTable } from '../fixtures/runs-table.ts';
import { settingsOf } from '../fixtures/source-settings.ts';
import { aChat, rulesOf } from '../unit/rules/events.ts';

const UNANSWERED = {
  code: 'cancel.unanswered',
  disposition: 'retry',
  details: { invocationId: 'inv-1', code: FAILURE.code },
};

let table: Awaited<ReturnType<typeof startRunsTable>>;
beforeEach(async () => {
  table = await startRunsTable();
});
afterEach(() => table.stop());

const FINGERPRINT = 'event.data.fingerprint';
/** All runs are on one instance, so that a cancel could stop a wrong one: they share it. */
const RUN = 'run: { provider: tencent, command: cmd-1, instances: ins-1 }';

/** Rules for alerts: one runs, one stops it by this key; without a key, all its runs. */
const forAlerts = (key: string | undefined, on = 'alertmanager') => `
  - { name: sleep, on: ${on}, when: event.data.status == 'firing', ${RUN}, guards: { dedupe: { key: ${key ?? FINGERPRINT}, window: 1s }, lock: false } }
  - { name: stop, on: ${on}, when: event.data.status == 'resolved', cancel: { rule: sleep${key === undefined ? '' : `, key: ${key}`} } }`;

/** The door, the runs queue between, and dispatch: what the door puts there is taken when the test says so. */
function anArc(rules: string, on = table) {
  const world = aRunsQueueWorld(on);
  const ruleSet = rulesOf(rules);
  const door = async (...events: readonly TriggerEvent[]): Promise<RunRequest[]> => {
    const asked: RunRequest[] = [];
    await decide(
      events,
      { askedAt: world.context.now() },
      {
        ruleSet,
        runsQueue: { send: async (requests) => void asked.push(...requests) },
        recordsQueue: { send: async () => {} },
        contents: rememberedContents(),
        chat: NO_CHAT,
        log: silent,
        now: world.context.now,
      },
    );
    world.advance(1_500);
    return asked;
  };
  const take = async (requests: readonly RunRequest[]): Promise<void> => {
    for (const request of requests) {
      await world.take(request);
      world.advance(1_500);
    }
  };
  return {
    ...world,
    door,
    take: (...requests: readonly RunRequest[]) => take(requests),
    /** Comes in and is carried out at once. */
    send: async (...events: readonly TriggerEvent[]) => await take(await door(...events)),
    /** Each run of the rule in the order of asking, and how it is now. */
    async states(rule = 'sleep'): Promise<string[]> {
      await world.poll();
      const { runs } = await world.context.store.list({ limit: 100, rule });
      return runs.toReversed().map(stateOf);
    },
  };
}

function stateOf({ status, reason }: Pick<Run, 'status' | 'reason'>): string {
  return reason === undefined ? status : `${status} ${reason.code}`;
}

/** Of today: what is older than the service remembers is refused. */
const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();
const S1 = hoursAgo(3);
const S2 = hoursAgo(2);
const endOf = (startsAt: string) => new Date(Date.parse(startsAt) + 600_000).toISOString();

function received(source: string, body: unknown): TriggerEvent[] {
  const context = { secrets: [''], now: new Date(), settings: settingsOf(source) };
  const normalised = SOURCES.get(source)?.receiveMessage(requestOfMessage(JSON.stringify(body)), context);
  if (normalised?.kind !== 'events') throw new Error(`${source} was not understood`);
  return [...normalised.events];
}

function alert(
  status: 'firing' | 'resolved',
  startsAt: string,
  { fingerprint = 'f-1', source = 'alertmanager' } = {},
) {
  const labels = { alertname: 'High5xx', instance_id: 'ins-1' };
  const endsAt = status === 'resolved' && startsAt !== '' ? endOf(startsAt) : '0001-01-01T00:00:00Z';
  return received(source, {
    version: source === 'grafana' ? '1' : '4',
    groupKey: '{}',
    status,
    commonLabels: labels,
    alerts: [{ status, labels, annotations: {}, startsAt, endsAt, fingerprint, generatorURL: 'http://x' }],
  });
}

/** Uptime Kuma tells of an end when it was, and not of what. */
function heartbeat(status: 0 | 1, time: string): TriggerEvent[] {
  return received('uptime-kuma', {
    heartbeat: { monitorID: 7, status, time: `${hoursAgo(24).slice(0, 10)} ${time}:00.000`, important: true },
    monitor: { id: 7, name: 'web' },
    msg: 'x',
  });
}

/** https://developer.pagerduty.com/docs/webhooks-overview: an incident that is opened again keeps its beginning. */
function incident(type: 'triggered' | 'resolved' | 'reopened', occurredAt: string) {
  return received('pagerduty', {
    event: {
      id: `${type}-${occurredAt}`,
      event_type: `incident.${type}`,
      resource_type: 'incident',
      occurred_at: occurredAt,
      data: { id: 'PGR0VU2', type: 'incident', title: 'It burns', created_at: S1 },
    },
  });
}

function alarm(value: 'ALARM' | 'OK', at: string, previous: { value: string; timestamp: string }) {
  return received('cloudwatch', {
    id: `${value}-${at}`,
    source: 'aws.cloudwatch',
    'detail-type': 'CloudWatch Alarm State Change',
    time: at,
    resources: ['arn:aws:cloudwatch:eu-west-1:1:alarm:high'],
    detail: { alarmName: 'high', state: { value, timestamp: at }, previousState: previous },
  });
}

const chat = (text: string, id: string) => ({ ...aChat({ args: text.split(' '), text }), id });
const BY_CHAT = `
  - { name: sleep, on: slack, allow: { users: ['*'] }, when: "event.data.args[0] == 'sleep'", ${RUN}, guards: { lock: false } }
  - { name: stop, on: slack, allow: { users: ['*'] }, when: "event.data.args[0] == 'halt'", cancel: { rule: sleep } }`;

describe('a cancel that comes again', () => {
  it('typed in a chat stops no run that was asked for after it', async () => {
    const arc = anArc(BY_CHAT);
    await arc.send(chat('sleep', 's-1'));
    await arc.send(chat('halt', 'h-1'));
    await arc.send(chat('sleep', 's-2'));
    await arc.send(chat('halt', 'h-1'));
    expect(await arc.states()).toEqual(['stopped run.cancelled', 'pending']);
    await arc.send(chat('halt', 'h-2'));
    expect(await arc.states()).toEqual(['stopped run.cancelled', 'stopped run.cancelled']);
  });

  it.each(['alertmanager', 'grafana'])('from %s stops no run of a later episode', async (source) => {
    const arc = anArc(forAlerts(FINGERPRINT, source));
    await arc.send(...alert('firing', S1, { source }));
    await arc.send(...alert('resolved', S1, { source }));
    await arc.send(...alert('firing', S2, { source }));
    await arc.send(...alert('resolved', S1, { source }));
    expect(await arc.states()).toEqual(['stopped run.cancelled', 'pending']);
  });

  it('and that is taken late, before the first, still stops only its own episode', async () => {
    const arc = anArc(forAlerts(FINGERPRINT));
    await arc.send(...alert('firing', S1));
    const [first] = await arc.door(...alert('resolved', S1));
    await arc.send(...alert('firing', S2));
    const [again] = await arc.door(...alert('resolved', S1));
    if (first === undefined || again === undefined) throw new Error('nothing was cancelled');
    await arc.take(again, first);
    expect(await arc.states()).toEqual(['stopped run.cancelled', 'pending']);
  });

  it.each([
    ['that say when they began', S1, S2],
    ['that do not', '', ''],
  ])('in other company is the same: of alerts %s each has a cancel of its own', async (_, before, after) => {
    const arc = anArc(forAlerts(undefined));
    const [a, b] = ['a', 'b'].map((fingerprint) => alert('resolved', before, { fingerprint }));
    await arc.send(...(a ?? []), ...(b ?? []));
    await arc.send(...alert('firing', after, { fingerprint: 'c' }));
    await arc.send(...(a ?? []));
    await arc.send(...(b ?? []));
    expect(await arc.states()).toEqual(['pending']);
    expect(await arc.states('stop')).toEqual(['succeeded cancel.done', 'succeeded cancel.done']);
  });

  it('does what the first left undone, for the runs that the first meant', async () => {
    const arc = anArc(BY_CHAT);
    await arc.send(chat('sleep', 's-1'));
    arc.cloud.cannotCancel({ ...FAILURE, isRetryable: true });
    const [halt] = await arc.door(chat('halt', 'h-1'));
    await expect(arc.take(...(halt === undefined ? [] : [halt]))).rejects.toMatchObject(UNANSWERED);
    await arc.send(chat('sleep', 's-2'));
    arc.cloud.cannotCancel();
    await arc.send(chat('halt', 'h-1'));
    expect(await arc.states()).toEqual(['stopped run.cancelled', 'pending']);
  });

  it('no more is finished by the poller', async () => {
    const arc = anArc(BY_CHAT);
    await arc.send(chat('sleep', 's-1'));
    arc.cloud.cannotCancel({ ...FAILURE, isRetryable: true });
    await expect(arc.send(chat('halt', 'h-1'))).rejects.toMatchObject(UNANSWERED);
    arc.cloud.cannotCancel();
    arc.advance(arc.context.leaseMs);
    await arc.poll();
    expect([await arc.states(), await arc.states('stop')]).toEqual([
      ['stopped run.cancelled'],
      ['succeeded cancel.done'],
    ]);
  });

  it('is given up after a day, and says so', async () => {
    const arc = anArc(BY_CHAT);
    await arc.send(chat('sleep', 's-1'));
    arc.cloud.tasksAre('running');
    arc.cloud.cannotCancel({ ...FAILURE, isRetryable: true });
    const [halt] = await arc.door(chat('halt', 'h-1'));
    if (halt === undefined) throw new Error('nothing was cancelled');
    await expect(arc.take(halt)).rejects.toMatchObject(UNANSWERED);
    arc.advance(25 * 3_600_000);
    await arc.take(halt);
    expect(stateOf(await arc.run(halt.runId))).toBe('failed cancel.unanswered');
  });
});

const IN_EVERY_ORDER = fc.array(
  fc.record({
    status: fc.constantFrom('firing' as const, 'resolved' as const),
    startsAt: fc.constantFrom(S1, S2),
  }),
  { minLength: 1, maxLength: 7 },
);

/** Before it was sent or after. */
function endOfRun(run: Run): string {
  return run.status === 'stopped' || run.reason?.code === 'guard.cancelled' ? 'cancelled' : stateOf(run);
}

describe('the end of an episode', () => {
  const keys: [string, string | undefined][] = [
    ['by the fingerprint', FINGERPRINT],
    ['by another key', 'event.data.labels.instance_id'],
    ['of all runs of the rule', undefined],
  ];

  it.each(keys)(
    'cancels %s its own runs, in whatever order all of it comes and is taken',
    async (_, key) => {
      await fc.assert(
        fc.asyncProperty(IN_EVERY_ORDER, fc.infiniteStream(fc.nat()), async (sent, ranks) => {
          const own = await startRunsTable();
          const arc = anArc(forAlerts(key), own);
          const asked: RunRequest[] = [];
          for (const { status, startsAt } of sent) {
            asked.push(...(await arc.door(...alert(status, startsAt))));
          }
          const ranked = asked.map((request) => ({ request, rank: Number(ranks.next().value) }));
          await arc.take(...ranked.toSorted((a, b) => a.rank - b.rank).map(({ request }) => request));
          await arc.poll();
          const outcomes = new Map<string, string>();
          for (const { action, runId, trigger } of asked) {
            if (action === 'run')
              outcomes.set(trigger.episode?.startsAt ?? '', endOfRun(await arc.run(runId)));
          }
          await own.stop();
          const ofStatus = (wanted: string) =>
            new Set(sent.filter(({ status }) => status === wanted).map(({ startsAt }) => startsAt));
          const resolved = ofStatus('resolved');
          expect(outcomes).toEqual(
            new Map([...ofStatus('firing')].map((at) => [at, resolved.has(at) ? 'cancelled' : 'pending'])),
          );
        }),
        { numRuns: 30 },
      );
    },
    120_000,
  );

  it('that comes before its beginning refuses the run, and says who cancelled it', async () => {
    const arc = anArc(forAlerts(FINGERPRINT));
    await arc.send(...alert('resolved', S1));
    await arc.send(...alert('firing', S1));
    await arc.send(...alert('firing', S2));
    expect(await arc.states()).toEqual(['rejected guard.cancelled', 'pending']);
    expect(arc.cloud.calls()).toBe(1);
  });

  it('of one alert is not that of another', async () => {
    const arc = anArc(forAlerts('event.data.labels.instance_id'));
    await arc.send(...alert('firing', S1, { fingerprint: 'a' }));
    await arc.send(...alert('firing', S1, { fingerprint: 'b' }));
    await arc.send(...alert('resolved', S1, { fingerprint: 'b' }));
    expect(await arc.states()).toEqual(['pending', 'stopped run.cancelled']);
    const [stop] = (await arc.context.store.list({ limit: 1, rule: 'stop' })).runs;
    const [live] = (await arc.context.store.list({ limit: 9 })).runs.filter(
      ({ status }) => status === 'pending',
    );
    // The reason names the run that it leaves alone.
    expect(stop?.reason).toMatchObject({
      code: 'cancel.done',
      message: expect.stringContaining(live?.runId ?? 'no run'),
    });
  });

  it('also cancels what no alert asked for, and what another source did, if that was before', async () => {
    const both = `${forAlerts(undefined)}
  - { name: by-hand, on: slack, allow: { users: ['*'] }, when: "event.data.args[0] == 'sleep'", ${RUN}, guards: { lock: false } }
  - { name: stop-by-hand, on: alertmanager, when: event.data.status == 'resolved', cancel: { rule: by-hand } }
  - { name: stop-by-pager, on: pagerduty, when: event.data.status == 'resolved', cancel: { rule: sleep } }`;
    const arc = anArc(both);
    await arc.send(chat('sleep', 's-1'));
    await arc.send(...alert('firing', S2));
    await arc.send(...alert('resolved', S1));
    await arc.send(chat('sleep', 's-2'));
    expect(await arc.states('by-hand')).toEqual(['stopped run.cancelled', 'pending']);
    expect(await arc.states()).toEqual(['pending']);
    await arc.send(...incident('resolved', endOf(S2)));
    expect(await arc.states()).toEqual(['stopped run.cancelled']);
  });

  it('refuses what it overtook, of no alert, of another source or of its own, and nothing else', async () => {
    const arc = anArc(`${forAlerts(undefined, '[alertmanager, grafana]')}
  - { name: by-hand, on: slack, allow: { users: ['*'] }, when: "event.data.args[0] == 'sleep'", ${RUN}, guards: { lock: false } }
  - { name: stop-by-hand, on: [alertmanager], when: event.data.status == 'resolved', cancel: { rule: by-hand } }`);
    const overtaken = [
      ...(await arc.door(chat('sleep', 's-1'))),
      ...(await arc.door(...alert('firing', S1, { source: 'grafana' }))),
      ...(await arc.door(...alert('firing', S1))),
      ...(await arc.door(...alert('firing', S2))),
    ];
    await arc.send(...alert('resolved', S1));
    await arc.take(...overtaken);
    expect(await arc.states('by-hand')).toEqual(['rejected guard.cancelled']);
    expect(await arc.states()).toEqual(['rejected guard.cancelled', 'rejected guard.cancelled', 'pending']);
  });

  it('does not end it where the source opens it again', async () => {
    const arc = anArc(forAlerts(FINGERPRINT, 'pagerduty'));
    await arc.send(...incident('triggered', S1));
    await arc.send(...incident('resolved', endOf(S1)));
    await arc.send(...incident('reopened', S2));
    await arc.send(...incident('resolved', endOf(S1)));
    expect(await arc.states()).toEqual(['stopped run.cancelled', 'pending']);
    await arc.send(...incident('resolved', endOf(S2)));
    expect(await arc.states()).toEqual(['stopped run.cancelled', 'stopped run.cancelled']);
  });

  it('of a CloudWatch alarm is known where the state before was ALARM, and else by the order alone', async () => {
    const arc = anArc(forAlerts(FINGERPRINT, 'cloudwatch'));
    const fine = { value: 'OK', timestamp: hoursAgo(4) };
    await arc.send(...alarm('ALARM', S1, fine));
    await arc.send(...alarm('ALARM', S2, fine));
    await arc.send(...alarm('OK', endOf(S1), { value: 'ALARM', timestamp: S1 }));
    expect(await arc.states()).toEqual(['stopped run.cancelled', 'pending']);
    await arc.send(...alarm('OK', endOf(S2), { value: 'INSUFFICIENT_DATA', timestamp: endOf(S2) }));
    expect(await arc.states()).toEqual(['stopped run.cancelled', 'stopped run.cancelled']);
  });

  it('without a beginning, and late, stops no run that began after it', async () => {
    const arc = anArc(forAlerts(FINGERPRINT, 'uptime-kuma'));
    await arc.send(...heartbeat(0, '10:00'));
    const [late, second] = [heartbeat(1, '10:10'), heartbeat(0, '11:00')];
    await arc.send(...second, ...late);
    expect(await arc.states()).toEqual(['stopped run.cancelled', 'pending']);
    await arc.send(...heartbeat(1, '11:10'));
    expect(await arc.states()).toEqual(['stopped run.cancelled', 'stopped run.cancelled']);
  });

  it('without a beginning refuses the runs that it overtook, and a late one reverts none of that', async () => {
    const arc = anArc(forAlerts(FINGERPRINT, 'uptime-kuma'));
    const second = await arc.door(...heartbeat(0, '11:00'));
    const third = await arc.door(...heartbeat(0, '12:00'));
    await arc.send(...heartbeat(1, '11:10'));
    await arc.send(...heartbeat(1, '10:10'));
    await arc.take(...second, ...third);
    expect(await arc.states()).toEqual(['rejected guard.cancelled', 'pending']);
  });

  it('without a beginning cancels the runs requested before it', async () => {
    const arc = anArc(forAlerts(FINGERPRINT, 'sentry'));
    const issue = (action: string, lastSeen: string) =>
      received('sentry', {
        action,
        data: { issue: { id: '117', title: 'Boom', firstSeen: S1, lastSeen, project: { slug: 'web' } } },
      });
    await arc.send(...issue('created', S1));
    await arc.send(...issue('resolved', S1));
    await arc.send(...issue('unresolved', S2));
    await arc.send(...issue('resolved', S1));
    expect(await arc.states()).toEqual(['stopped run.cancelled', 'pending']);
  });

  it('is no condition for a cancel that a firing alert asks for', async () => {
    const arc = anArc(`
  - { name: sleep, on: alertmanager, when: "event.data.fingerprint == 'a'", ${RUN}, guards: { lock: false } }
  - { name: stop, on: alertmanager, when: "event.data.fingerprint == 'maintenance'", cancel: { rule: sleep } }`);
    await arc.send(...alert('firing', S1, { fingerprint: 'a' }));
    await arc.send(...alert('firing', S2, { fingerprint: 'maintenance' }));
    await arc.send(...alert('firing', S2, { fingerprint: 'a' }));
    await arc.send(...alert('firing', S2, { fingerprint: 'maintenance' }));
    expect(await arc.states()).toEqual(['stopped run.cancelled', 'pending']);
  });
});

describe('a stored cancel', () => {
  it('is listed, says whom it stopped, publishes nothing and cannot be cancelled', async () => {
    const arc = anArc(BY_CHAT);
    await arc.send(chat('sleep', 's-1'));
    const [halt] = await arc.door(chat('halt', 'h-1'));
    if (halt?.action !== 'cancel') throw new Error('nothing was cancelled');
    const before = arc.events.length;
    expect(await cancelRuns(halt, arc.context)).toEqual(await cancelRuns(halt, arc.context));
    const [sleep] = (await arc.context.store.list({ limit: 1, rule: 'sleep' })).runs;
    const stored = await arc.run(halt.runId);
    expect(describeRun(stored)).toMatchObject({
      rule: 'stop',
      status: 'succeeded',
      reason: { code: 'cancel.done', message: `It stopped ${sleep?.runId}.` },
      cancel: { targetRule: 'sleep', by: 'slack chat.command (stop)', stopped: [sleep?.runId] },
    });
    expect(stored.pollAt).toBeUndefined();
    expect(arc.events.slice(before).filter(({ subject }) => subject === halt.runId)).toEqual([]);
    expect(await cancelRun(halt.runId, 'ada', arc.context)).toMatchObject({ kind: 'ended' });
  });

  it('that has not ended is no live run of its rule', async () => {
    const arc = anArc(BY_CHAT);
    const [halt] = await arc.door(chat('halt', 'h-1'));
    if (halt?.action !== 'cancel') throw new Error('nothing was cancelled');
    const { guards } = arc.context;
    const death = new Error('the process died');
    const dead = { ...guards, leaveTombstone: () => Promise.reject(death) };
    await expect(cancelRuns(halt, { ...arc.context, guards: dead })).rejects.toBe(death);
    expect(await cancelRun(halt.runId, 'ada', arc.context)).toMatchObject({ kind: 'ended' });
    expect(stateOf(await arc.run(halt.runId))).toBe('dispatching');
  });

  it('is none of a run that the same rule made of the same event when it still ran', async () => {
    const arc = anArc(BY_CHAT);
    const [run] = await arc.door(chat('sleep', 's-1'));
    const [halt] = await arc.door(chat('halt', 'h-1'));
    if (run?.action !== 'run' || halt?.action !== 'cancel') throw new Error('nothing was asked for');
    await arc.take({ ...halt, runId: run.runId }, run);
    expect(arc.cloud.calls()).toBe(0);
    expect(stateOf(await arc.run(run.runId))).toBe('succeeded cancel.done');
  });

  it('of an earlier version, and what it left for the runs that it overtook, still count', async () => {
    const arc = anArc(BY_CHAT);
    const [run] = await arc.door(chat('sleep', 's-1'));
    if (run === undefined) throw new Error('nothing was asked for');
    const at = arc.context.now();
    // As the guards marked it before cancels were stored.
    await dynamoGuardStore(table).claim(
      'cancel',
      'sleep',
      undefined,
      run.runId,
      new Date(at.getTime() + 60_000),
      at,
    );
    await arc.take(run);
    expect(await arc.states()).toEqual(['rejected guard.cancelled']);
  });
});

describe('a key with nothing in it', () => {
  const rules = `
  - { name: sleep, on: slack, allow: { users: ['*'] }, when: "event.data.args[0] == 'sleep'", ${RUN}, guards: { dedupe: { key: event.data.text, window: 1s }, lock: false } }
  - { name: keyed, on: slack, allow: { users: ['*'] }, when: "event.data.args[0] == 'keyed'", ${RUN}, guards: { dedupe: { key: event.data.options.key, window: 1s }, lock: false } }
  - { name: stop, on: slack, allow: { users: ['*'] }, when: "event.data.args[0] == 'halt'", cancel: { rule: sleep, key: event.data.options.key } }`;
  const withKey = (verb: string, key: string) => ({
    ...aChat({ args: [verb], text: verb, options: { key } }),
    id: `${verb} ${JSON.stringify(key)}`,
  });

  it.each(['', ' ', '\t\n', '\u200b', '\u00ad\ufeff', '\u3164'])('is a rejection: %j', async (key) => {
    const arc = anArc(rules);
    const overtaken = await arc.door(chat('sleep', 's-1'));
    await arc.send(withKey('halt', key));
    await arc.send(withKey('keyed', key));
    await arc.take(...overtaken);
    expect([await arc.states('stop'), await arc.states('keyed'), await arc.states()]).toEqual([
      ['rejected key.empty'],
      ['rejected key.empty'],
      ['pending'],
    ]);
  });

  it('is one too in what an earlier version put on the queue', async () => {
    const arc = anArc(rules);
    const [run] = await arc.door(chat('sleep', 's-1'));
    const [halt] = await arc.door(withKey('halt', 'x'));
    if (run?.action !== 'run' || halt?.action !== 'cancel') throw new Error('nothing was asked for');
    await arc.take(run, { ...halt, key: '' });
    await arc.take({
      ...run,
      runId: `${run.runId.slice(0, -1)}a`,
      guards: { dedupe: { key: '', windowMs: 1000 } },
    });
    expect([(await arc.states()).toSorted(), await arc.states('stop')]).toEqual([
      ['pending', 'rejected key.empty'],
      ['rejected key.empty'],
    ]);
  });

  it('has a place of its own beside that of a rule without a key', async () => {
    const store = dynamoGuardStore(table);
    const [a, b] = [`run-${'a'.repeat(26)}`, `run-${'b'.repeat(26)}`];
    const now = new Date();
    const until = new Date(now.getTime() + 60_000);
    expect(await store.claim('cooldown', 'r', undefined, a, until, now)).toEqual({ isOurs: true });
    expect(await store.claim('cooldown', 'r', '', b, until, now)).toEqual({ isOurs: true });
    expect(await store.claim('cooldown', 'r', undefined, b, until, now)).toMatchObject({ isOurs: false });
  });
});
