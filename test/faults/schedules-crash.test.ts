/**
 * A process that dies at any of its awaits, before or after the effect: whoever comes next makes one schedule of one
 * request, and one run of one firing, and everything is told.
 */
import { describe, expect, test } from 'vitest';
import { collectFirings } from '../../lib/schedules/firings.ts';
import { scheduleOnce } from '../../lib/schedules/schedule-once.ts';
import { type TendContext, tendSchedules } from '../../lib/schedules/tend.ts';
import { until } from '../contract/alibaba-local.ts';
import { CRASH, dying, type Failpoint } from '../fixtures/dying.ts';
import {
  aRequest,
  aStanding,
  type SchedulesStackContext,
  startStack,
  TENCENT_REGION,
} from '../integration/schedules-stack.ts';

function dyingContext(context: SchedulesStackContext, point: Failpoint): TendContext {
  // nextTimes is no await: it stays as it is.
  const { nextTimes } = context.schedules.tencent;
  const tencent = { ...dying(context.schedules.tencent, point), nextTimes };
  for (const name of ['list', 'create', 'change', 'enable', 'disable', 'remove', 'firings'] as const) {
    Object.assign(tencent, { [name]: dying(context.schedules.tencent, point)[name] });
  }
  return {
    ...context,
    store: dying(context.store, point),
    ledger: dying(context.ledger, point),
    guards: dying(context.guards, point),
    schedules: { ...context.schedules, tencent },
    publishing: { ...context.publishing, resolve: (ref) => dying(context.publishing.resolve(ref), point) },
  };
}

const inAMinute = () => new Date(Date.now() + 60_000).toISOString();

/** Enough for every await of the way: the last ones are not reached, which the tests check. */
const POINTS = Array.from({ length: 26 }, (_, index) => index + 1);

// Each tries every await there is, with processes that really run.
describe.each(['before', 'after'] as const)('dying %s the effect', { timeout: 60_000 }, (when) => {
  test('of making a schedule', async () => {
    let isReached = true;
    for (const at of POINTS) {
      if (!isReached) break;
      const { context, effects, jump } = await startStack();
      const point: Failpoint = { at, when, calls: 0 };
      const request = aRequest({ at: new Date(Date.now() + 600_000).toISOString() });
      await scheduleOnce(request, dyingContext(context, point)).catch((thrown: unknown) => {
        expect(String(thrown)).toContain(CRASH);
      });
      isReached = point.calls >= at;
      // Its lease has run out.
      jump(context.leaseMs + 1000);
      const result = await scheduleOnce(request, context);
      expect({ at, ...result }).toMatchObject({
        at,
        kind: 'done',
        run: { status: 'scheduled', schedule: { scheduleId: expect.stringMatching(/^ivk-/) } },
      });
      expect(await context.schedules.tencent.list(TENCENT_REGION)).toMatchObject([{ name: request.runId }]);
      expect(effects()).toMatchObject({ CreateInvoker: 1 });
    }
    expect(isReached).toBe(false);
  });

  test('of taking what a request’s schedule fired', async () => {
    let isReached = true;
    for (const at of POINTS) {
      if (!isReached) break;
      const stack = await startStack();
      const { context, jump, poll, events } = stack;
      const request = aRequest({ at: inAMinute() });
      const { run } = await scheduleOnce(request, context);
      jump(61_000);
      await fired(context, run.schedule?.scheduleId ?? '');
      const point: Failpoint = { at, when, calls: 0 };
      await collectFirings(dyingContext(context, point)).catch((thrown: unknown) => {
        expect(String(thrown)).toContain(CRASH);
      });
      isReached = point.calls >= at;
      const ended = await until(
        async () => {
          await tendSchedules(context);
          await poll();
          return await context.store.get(request.runId);
        },
        (one) => one?.endedAt !== undefined,
      );
      expect({ at, status: ended?.status }).toEqual({ at, status: 'succeeded' });
      expect((await context.store.list({ limit: 10 })).runs).toHaveLength(1);
      expect([...new Set(events.map(({ id }) => id.replaceAll(/invt-\w+/g, 'task')))]).toEqual([
        `${request.runId}/started`,
        `${request.runId}/task/succeeded`,
        `${request.runId}/succeeded`,
      ]);
    }
    expect(isReached).toBe(false);
  });

  test('of taking what a standing schedule fired', async () => {
    let isReached = true;
    for (const at of POINTS) {
      if (!isReached) break;
      const stack = await startStack();
      const { context, jump, poll, setRules, events } = stack;
      setRules([aStanding({ timing: { at: inAMinute() } })]);
      await tendSchedules(context);
      const [schedule] = (await context.ledger.all()).schedules;
      jump(61_000);
      await fired(context, schedule?.scheduleId ?? '');
      const point: Failpoint = { at, when, calls: 0 };
      await collectFirings(dyingContext(context, point)).catch((thrown: unknown) => {
        expect(String(thrown)).toContain(CRASH);
      });
      isReached = point.calls >= at;
      const runs = await until(
        async () => {
          await tendSchedules(context);
          await poll();
          return (await context.store.list({ limit: 10 })).runs;
        },
        (all) => all.length > 0 && all.every(({ endedAt }) => endedAt !== undefined),
      );
      expect({ at, runs: runs.map(({ rule, status }) => `${rule} ${status}`) }).toEqual({
        at,
        runs: ['logrotate succeeded'],
      });
      expect(new Set(events.map(({ id }) => id)).size).toBe(3);
    }
    expect(isReached).toBe(false);
  });
});

async function fired(context: SchedulesStackContext, scheduleId: string): Promise<void> {
  await until(
    () => context.schedules.tencent.firings(TENCENT_REGION, [scheduleId], new Date(0)),
    (firings) => firings.length > 0,
  );
}
