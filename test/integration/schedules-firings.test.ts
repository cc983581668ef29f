/** Collecting firings when a provider is late, forgetful, or refuses: on a provider that says what the test wants. */
import { describe, expect, test } from 'vitest';
import { FleetReflexError } from '../../lib/errors.ts';
import type { CompletionEvent } from '../../lib/model/completion-event.ts';
import type { LiveSchedule } from '../../lib/model/live-schedule.ts';
import { instancesOf } from '../../lib/model/run.ts';
import type { RunRequest } from '../../lib/model/run-request.ts';
import type { Firing, ProviderSchedules } from '../../lib/providers/schedules.ts';
import { nextCrontabTimes } from '../../lib/providers/tencent/crontab.ts';
import { settle } from '../../lib/runs/settle.ts';
import { collectFirings } from '../../lib/schedules/firings.ts';
import { fromRules } from '../../lib/schedules/live-schedule.ts';
import { aFollowUp } from '../fixtures/follow-ups.ts';
import { aStanding, startStack, TENCENT_REGION } from './schedules-stack.ts';

type Asked = { ids: readonly string[]; since: string };

/** Schedules `ivk-<name>` each minute, of which the provider shows what `shown` holds at the time. */
async function start(names: readonly string[] = ['a']) {
  const stack = await startStack();
  const shown: Firing[] = [];
  const asked: Asked[] = [];
  const refused = new Map<string, FleetReflexError>();
  const firings: ProviderSchedules['firings'] = async (_region, ids, since) => {
    asked.push({ ids, since: since.toISOString() });
    for (const id of ids) {
      const error = refused.get(id);
      if (error !== undefined) throw error;
    }
    return shown.filter(({ scheduleId, at }) => ids.includes(scheduleId) && new Date(at) >= since);
  };
  const tencent: ProviderSchedules = {
    ...stack.context.schedules.tencent,
    firings,
    nextTimes: nextCrontabTimes,
  };
  const context = { ...stack.context, schedules: { ...stack.context.schedules, tencent } };
  // Not made just before a full minute: a firing that soon is not expected, and tests run at any second.
  stack.jump(80_000 - (context.now().getTime() % 60_000));
  const madeAt = context.now();
  for (const name of names) {
    const standing = aStanding({ name, timing: { recurrence: '* * * * *' } });
    await context.ledger.add(fromRules(standing, `ivk-${name}`, false, madeAt));
  }
  const firing = (name: string, number: number, more: Partial<Firing> = {}): Firing => ({
    scheduleId: `ivk-${name}`,
    invocationId: `inv-${name}${number}`,
    at: new Date(madeAt.getTime() + number * 60_000).toISOString(),
    reason: '',
    ...more,
  });
  const schedule = async (name: string): Promise<LiveSchedule | undefined> =>
    await context.ledger.get({ provider: 'tencent', region: TENCENT_REGION, name });
  return { ...stack, context, shown, asked, refused, firing, schedule, madeAt };
}

const drop = new FleetReflexError('provider.notFound', 'there is none');
const retry = new FleetReflexError('provider.network', 'no answer', { disposition: 'retry' });

describe('firings', () => {
  test('of all schedules in a region are asked for in one question, none before its time', async () => {
    const { context, jump, asked } = await start(['a', 'b', 'c']);
    // The first comes in less than a minute, whatever the time is.
    jump(61_000);
    await collectFirings(context);
    expect(asked.map(({ ids }) => ids)).toEqual([['ivk-a', 'ivk-b', 'ivk-c']]);
  });

  test('that are shown late are still found, and each is one run', async () => {
    const { context, jump, shown, firing, schedule } = await start();
    jump(3 * 60_000 + 1000);
    shown.push(firing('a', 1), firing('a', 3));
    expect((await collectFirings(context)).map(({ firing: one }) => one.invocationId)).toEqual([
      'inv-a1',
      'inv-a3',
    ]);
    jump(60_000);
    shown.push(firing('a', 2), firing('a', 4));
    expect((await collectFirings(context)).map(({ firing: one }) => one.invocationId)).toEqual([
      'inv-a2',
      'inv-a4',
    ]);
    expect(await schedule('a')).toMatchObject({
      lookedFrom: firing('a', 4).at,
      recent: ['inv-a1', 'inv-a3', 'inv-a2', 'inv-a4'],
    });
    expect((await context.store.list({ limit: 10 })).runs).toHaveLength(4);
  });

  test('are not asked for again before the next is expected', async () => {
    const { context, jump, shown, firing, asked } = await start();
    jump(61_000);
    shown.push(firing('a', 1));
    await collectFirings(context);
    await collectFirings(context);
    expect(asked).toHaveLength(1);
  });

  test('a schedule that the provider does not know stops no other', async () => {
    const { context, jump, shown, firing, refused, logged } = await start(['a', 'b']);
    jump(61_000);
    refused.set('ivk-a', drop);
    shown.push(firing('b', 1));
    expect((await collectFirings(context)).map(({ schedule: { name } }) => name)).toEqual(['b']);
    expect(logged.filter(({ event }) => event === 'schedules.unread')).toMatchObject([
      { facts: { names: ['a'], code: 'provider.notFound' } },
    ]);
  });

  test('a provider that cannot be asked now is asked the next time, from where it was', async () => {
    const { context, jump, shown, firing, refused, asked } = await start();
    jump(61_000);
    shown.push(firing('a', 1));
    refused.set('ivk-a', retry);
    expect(await collectFirings(context)).toEqual([]);
    refused.clear();
    expect(await collectFirings(context)).toHaveLength(1);
    expect(asked[1]).toEqual(asked[0]);
  });

  test('more of them than can be read: the last hour, with a word in the log', async () => {
    const { context, jump, shown, firing, logged, asked } = await start();
    jump(5 * 24 * 3_600_000);
    shown.push(firing('a', 1), firing('a', 5 * 24 * 60 - 30));
    const { tencent } = context.schedules;
    const hourAgo = () => new Date(context.now().getTime() - 3_600_000 - 1000);
    const firings: typeof tencent.firings = async (region, ids, since) => {
      if (since < hourAgo())
        throw new FleetReflexError('provider.inconclusive', 'too many', { disposition: 'retry' });
      return await tencent.firings(region, ids, since);
    };
    const schedules = { ...context.schedules, tencent: { ...tencent, firings } };
    const collected = await collectFirings({ ...context, schedules });
    expect(collected.map(({ firing: { at } }) => at)).toEqual([firing('a', 5 * 24 * 60 - 30).at]);
    expect(logged.map(({ event }) => event)).toContain('schedules.skipped');
    expect(asked).toHaveLength(1);
  });

  test('of a recurrence that stays silent are given up one after the other, with a word in the log', async () => {
    const { context, jump, logged, schedule } = await start();
    jump(61_000);
    await collectFirings(context);
    expect(logged.map(({ event }) => event)).not.toContain('schedule.silent');
    jump(15 * 60_000);
    await collectFirings(context);
    expect(logged.map(({ event }) => event)).toContain('schedule.silent');
    expect((await schedule('a'))?.lookedFrom).toBe((await schedule('a'))?.lookedAt);
  });

  test('that started nothing are runs that failed, one for each time', async () => {
    const { context, jump, shown, firing, told } = await start();
    jump(2 * 60_000 + 1000);
    const nothing = [1, 2].map((number): Firing => {
      const { invocationId: _, ...rest } = firing('a', number, { reason: 'agent offline' });
      return rest;
    });
    shown.push(...nothing);
    const collected = await collectFirings(context);
    expect(collected.map(({ run: { status, reason } }) => [status, reason?.code])).toEqual([
      ['failed', 'schedule.notStarted'],
      ['failed', 'schedule.notStarted'],
    ]);
    for (const { run } of collected) {
      expect(told(run.runId)).toEqual([
        'fleet-reflex.task.completed failed',
        'fleet-reflex.run.completed failed',
      ]);
    }
  });

  test('a destination that is away: the firing is told when it is back, and no other waits for it', async () => {
    const { context, jump, shown, firing, events } = await start(['a', 'b']);
    jump(61_000);
    shown.push(firing('a', 1), firing('b', 1));
    const away = {
      ...context,
      publishing: {
        ...context.publishing,
        resolve: () => ({
          send: async (all: readonly CompletionEvent[]) => {
            if (all.some(({ data }) => data.rule === 'a')) throw new Error('away');
            events.push(...all);
          },
        }),
      },
    };
    expect((await collectFirings(away)).map(({ schedule: { name } }) => name)).toEqual(['b']);
    expect((await collectFirings(context)).map(({ schedule: { name } }) => name)).toEqual(['a']);
    expect(events.map(({ type, data }) => `${type} ${data.rule}`)).toEqual([
      'fleet-reflex.run.started b',
      'fleet-reflex.run.started a',
    ]);
    expect((await context.store.list({ limit: 10 })).runs).toHaveLength(2);
  });
});

describe('a standing schedule that another rule follows', () => {
  test('asks for it once when a run of it has failed, with the run that it follows', async () => {
    const { context, jump, shown, firing, schedule } = await start([]);
    const followUps = [aFollowUp({ instances: 'failed' })];
    const standing = aStanding({ name: 'nightly', timing: { recurrence: '* * * * *' }, followUps });
    await context.ledger.add(fromRules(standing, 'ivk-nightly', false, context.now()));
    expect(await schedule('nightly')).toMatchObject({ followUps: [{ rule: 'roll-back' }] });
    jump(61_000);
    shown.push(firing('nightly', 1));
    const [begun] = await collectFirings(context);
    if (begun === undefined) throw new Error('no run');
    const run = await context.store.get(begun.run.runId);
    if (run === undefined) throw new Error('no run');
    const asked: RunRequest[] = [];
    const runsQueue = {
      async send(requests: readonly RunRequest[]) {
        asked.push(...requests);
      },
    };
    const instances = instancesOf(run);
    const reports = instances.map((instanceId) => ({
      invocationId: 'inv-nightly1',
      taskId: `inv-nightly1/${instanceId}`,
      instanceId,
      status: 'failed' as const,
      providerStatus: 'FAILED',
      started: 'yes' as const,
      exitCode: 3,
    }));
    const ended = await settle(run, { ...context, runsQueue }, reports);
    expect(ended).toMatchObject({ status: 'failed', next: { rule: 'roll-back' }, followUps: undefined });
    expect(asked).toMatchObject([
      {
        rule: 'roll-back',
        after: { runId: run.runId, rule: 'nightly', status: 'failed' },
        chain: { ancestry: [{ rule: 'nightly', runId: run.runId }] },
      },
    ]);
  });
});
