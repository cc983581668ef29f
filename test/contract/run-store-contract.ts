/** What every run store has to do; run-store.test.ts holds the DynamoDB one to it. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Run, RunInvocation, RunTask } from '../../lib/model/run.ts';
import { rejectedRun } from '../../lib/runs/new-run.ts';
import { loopLease, type RunStore } from '../../lib/store/run-store.ts';
import type { TwinLease } from '../../lib/store/twin-lease.ts';
import { type Flat, withGiven } from '../fixtures/flat.ts';
import { aRunRequest } from '../fixtures/run-world.ts';

const T0 = Date.now();
const at = (seconds: number) => new Date(T0 + seconds * 1000);

export function aRun(given: Flat<Run> = {}): Run {
  const { runId, rule, trigger, notify, requestedAt, target } = aRunRequest(
    given.rule === undefined ? {} : { rule: given.rule },
  );
  const reason = { code: 'x', message: 'x' };
  const rejected = rejectedRun(
    { version: 2, action: 'reject', runId, rule, trigger, notify, requestedAt, reason },
    at(0),
  );
  return withGiven({ ...rejected, target, status: 'running' }, given);
}

export function aTask(given: Partial<RunTask> = {}): RunTask {
  return {
    invocationId: 'inv-1',
    taskId: 'invt-1',
    instanceId: 'ins-1',
    status: 'queued',
    providerStatus: 'PENDING',
    started: 'no',
    outputDroppedBytes: 0,
    isEventSent: false,
    ...given,
  };
}

/** Random as a vendor's ids are. */
const idOf = (index: number) => createHash('sha256').update(String(index)).digest('hex').slice(0, 8);

/** As it is in the store, with its outputs. */
async function read(store: RunStore, { runId }: Run) {
  const run = await store.get(runId);
  return run === undefined ? [] : outputsOf((await store.outputs(run)).tasks);
}

/** To be compared: which tasks are apart is the store's own business. */
function outputsOf(tasks: readonly RunTask[]) {
  return tasks.map(({ isOutputApart: _, output, ...task }) => ({
    ...task,
    output: output && Buffer.from(output).toString('hex'),
  }));
}

export function runStoreContract(name: string, open: () => RunStore): void {
  describe(name, () => {
    it('keeps a run as it was given, once', async () => {
      const store = open();
      const run = aRun();
      expect(await store.create(run)).toEqual({ isNew: true, run });
      expect(await store.create({ ...run, rule: 'another' })).toEqual({ isNew: false, run });
      expect(await store.get(run.runId)).toEqual(run);
      expect(await store.get(aRun().runId)).toBeUndefined();
    });

    it('is written only by who read it last', async () => {
      const store = open();
      const run = aRun();
      await store.create(run);
      const first = await store.save({ ...run, status: 'succeeded' });
      expect(first).toMatchObject({ kind: 'saved', run: { status: 'succeeded', revision: 1 } });
      expect(await store.save({ ...run, status: 'failed' })).toMatchObject({
        kind: 'conflict',
        run: { status: 'succeeded', revision: 1 },
      });
    });

    it('lets one of many writers at once win', async () => {
      const store = open();
      const run = aRun();
      await store.create(run);
      const results = await Promise.all(
        Array.from({ length: 10 }, (_, index) => store.save({ ...run, failedReadings: index })),
      );
      expect(results.filter(({ kind }) => kind === 'saved')).toHaveLength(1);
    });

    it('keeps the tasks of a run with it, and outputs whatever their size', async () => {
      const store = open();
      const sizes = [0, 5, 512, 513, 24 * 1024];
      const tasks = sizes.map((size, index) =>
        aTask({
          instanceId: `ins-${index}`,
          status: 'failed',
          output: Buffer.alloc(size, Buffer.from([0, 255, 10, 226, 130, 172])),
          exitCode: 3,
          error: { code: 'c', message: 'm', advice: 'a' },
        }),
      );
      const run = aRun({ tasks: tasks.slice(0, 1) });
      await store.create(run);
      await store.save({ ...run, tasks });
      expect(await read(store, run)).toEqual(outputsOf(tasks));
      expect(await store.getMany([run.runId, aRun().runId])).toEqual([await store.get(run.runId)]);
    });

    it('keeps the outputs of more tasks than a batch or an item holds, and does not write them again', async () => {
      const store = open();
      const run = aRun();
      await store.create(run);
      const tasks = Array.from({ length: 60 }, (_, index) =>
        aTask({
          instanceId: `ins-${index}`,
          status: 'succeeded',
          output: new Uint8Array(24 * 1024).fill(index),
        }),
      );
      const saved = await store.save({ ...run, tasks });
      const told = saved.run.tasks.map((task) => ({ ...task, isEventSent: true }));
      await store.save({ ...saved.run, tasks: told });
      expect(await read(store, run)).toEqual(outputsOf(told));
    });

    it('holds two thousand tasks with their own ids, times and errors', async () => {
      const store = open();
      const run = aRun();
      await store.create(run);
      const tasks = Array.from({ length: 2_000 }, (_, index) =>
        aTask({
          taskId: `invt-${idOf(index)}`,
          instanceId: `ins-${idOf(index + 5_000)}`,
          status: 'failed',
          providerStatus: 'FAILED',
          startedAt: at(index / 7).toISOString(),
          endedAt: at(index / 3).toISOString(),
          exitCode: index % 256,
          error: {
            code: 'FAILED',
            message: `The instance ${idOf(index)} has no agent.`,
            advice: 'Start it.',
          },
          output: Buffer.from(idOf(index).repeat(3)),
        }),
      );
      await store.save({ ...run, tasks });
      expect(await read(store, run)).toEqual(outputsOf(tasks));
    });

    it('marks many runs that have ended as told at once', async () => {
      const store = open();
      const ended = Array.from({ length: 30 }, () =>
        aRun({ status: 'succeeded', pollAt: at(0).toISOString(), outbox: ['run.completed'] }),
      );
      for (const run of ended) await store.create(run);
      const told = ended.map((run) => ({ ...run, outbox: [], pollAt: undefined }));
      await store.markTold(told);
      const stored = new Map(
        (await store.getMany(told.map(({ runId }) => runId))).map((run) => [run.runId, run]),
      );
      expect(told.map(({ runId }) => stored.get(runId))).toEqual(
        told.map((run) => ({ ...run, revision: 1 })),
      );
      expect(await entriesOf(store, told)).toEqual([]);
    });

    it('shows what is live in each region, in the order of the last writes, and what was written since', async () => {
      const store = open();
      const inRegion = (region: string, given: Partial<Run> = {}) => {
        const run = aRun({ pollAt: at(60).toISOString(), ...given });
        return { ...run, target: run.target && { ...run.target, region } };
      };
      const region = `region-${aRun().runId}`;
      const [first, second, other] = [inRegion(region), inRegion(region), inRegion(`${region}-2`)];
      const none = { ...aRun({ pollAt: at(60).toISOString() }), target: undefined };
      const over = inRegion(region, { pollAt: undefined });
      for (const run of [first, second, other, none, over]) await store.create(run);
      const scope = `tencent#${region}`;
      expect([...(await store.scopes()).keys()]).toEqual(expect.arrayContaining([scope, `${scope}-2`, '-']));
      const before = await store.liveIn(scope);
      expect(before).toEqual(
        [first, second].map(({ runId, rule, revision, status, pollAt }) => ({
          runId,
          rule,
          revision,
          status,
          pollAt,
          at: expect.any(String),
        })),
      );
      expect(await entriesOf(store, [other])).toHaveLength(1);
      expect((await store.liveIn('-')).map(({ runId }) => runId)).toContain(none.runId);
      await later(before[1]?.at);
      await store.save({ ...first, status: 'stopping' });
      expect(await store.liveIn(scope, before[1]?.at)).toMatchObject([
        { runId: second.runId },
        { runId: first.runId, revision: 1, status: 'stopping' },
      ]);
      await store.save({ ...first, revision: 1, pollAt: undefined });
      expect((await store.liveIn(scope)).map(({ runId }) => runId)).toEqual([second.runId]);
    });

    it('knows the runs of a rule that have not ended', async () => {
      const store = open();
      const rule = aRun().rule;
      const live = aRun({ rule, pollAt: at(60).toISOString() });
      const ended = aRun({ rule, status: 'succeeded', pollAt: at(60).toISOString() });
      for (const run of [live, ended, aRun({ pollAt: at(60).toISOString() })]) await store.create(run);
      expect(await store.live(rule)).toEqual([live.runId]);
    });

    it('lists the newest first, a page at a time, over days, of one rule where asked', async () => {
      const store = open();
      const rule = aRun().rule;
      const ages = [0, 1, 30, 49, 50].map((hours) =>
        aRun({ rule, requestedAt: new Date(Date.now() - hours * 3_600_000 - 1_000).toISOString() }),
      );
      for (const run of ages.toReversed()) await store.create(run);
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await store.list({ limit: 2, rule, ...(cursor !== undefined && { cursor }) });
        expect(page.runs.length).toBeLessThanOrEqual(2);
        seen.push(...page.runs.map(({ runId }) => runId));
        cursor = page.cursor;
      } while (cursor !== undefined);
      expect(seen).toEqual(ages.map(({ runId }) => runId));
      await expect(store.list({ limit: 2, cursor: 'made up' })).rejects.toMatchObject({
        code: 'runs.cursor',
      });
    });

    it('lists those that wait for their time, soonest first, however long ago they were asked for', async () => {
      const store = open();
      const rule = aRun().rule;
      const waits = (seconds: number, given: Partial<Run> = {}) =>
        aRun({
          rule,
          status: 'scheduled',
          schedule: { at: at(seconds).toISOString() },
          pollAt: at(seconds).toISOString(),
          ...given,
        });
      const later = waits(9_000);
      const sooner = waits(60, { requestedAt: at(-90 * 86_400).toISOString() });
      const others = [
        waits(30, { status: 'stopped' }),
        aRun({ rule, pollAt: at(40).toISOString() }),
        waits(50, { rule: aRun().rule }),
      ];
      for (const run of [later, sooner, ...others]) await store.create(run);
      expect(await store.scheduled({ limit: 9, rule })).toEqual([sooner, later]);
      expect(await store.scheduled({ limit: 1, rule })).toEqual([sooner]);
    });

    it('gives the lease of an attempt only to who read it last', async () => {
      const store = open();
      const [one, two] = [aRun(), aRun()];
      const key = `tencent#${one.runId}`;
      const leaseOf = ({ runId }: Run, revision: number): TwinLease => ({
        version: 1,
        revision,
        runId,
        token: `${runId}-0`,
        attemptedAt: at(revision).toISOString(),
        notOurs: [{ invocationId: 'inv-1', at: at(0).toISOString() }],
      });
      expect(await store.twin(key)).toBeUndefined();
      expect(await store.takeTwin(key, leaseOf(one, 1), undefined)).toBe(true);
      expect(await store.twin(key)).toEqual(leaseOf(one, 1));
      expect(await store.takeTwin(key, leaseOf(two, 1), undefined)).toBe(false);
      expect(await store.takeTwin(key, leaseOf(one, 2), leaseOf(one, 1))).toBe(true);
      expect(await store.takeTwin(key, leaseOf(two, 2), leaseOf(one, 1))).toBe(false);
      expect(await store.takeTwin(key, leaseOf(two, 3), leaseOf(one, 2))).toBe(true);
      expect(await store.twin(key)).toEqual(leaseOf(two, 3));
    });

    it('shows what the next in line has to know of a run', async () => {
      const store = open();
      const invocation: RunInvocation = { token: 't-0', instances: ['ins-1'], state: 'attempting' };
      const run = aRun({ invocations: [invocation] });
      expect(await store.glimpse(run.runId)).toBeUndefined();
      await store.create(run);
      expect(await store.glimpse(run.runId)).toMatchObject({ status: 'running', invocations: [invocation] });
    });

    it('leases to one at a time, until it is given back or has run out', async () => {
      const store = open();
      const name = `lease-${aRun().runId}`;
      expect(await store.acquireLease(name, 'a', at(0), 10_000)).toBe(true);
      expect(await store.acquireLease(name, 'b', at(5), 10_000)).toBe(false);
      expect(await store.acquireLease(name, 'a', at(5), 10_000)).toBe(true);
      await store.releaseLease(name, 'b');
      expect(await store.acquireLease(name, 'b', at(6), 10_000)).toBe(false);
      expect(await store.acquireLease(name, 'b', at(16), 10_000)).toBe(true);
      await store.releaseLease(name, 'b');
      expect(await store.acquireLease(name, 'a', at(17), 10_000)).toBe(true);
    });

    it('says whose loop is at work in which region', async () => {
      const store = open();
      const region = `region-${aRun().runId}`;
      const run = aRun({ pollAt: at(60).toISOString(), region });
      await store.create(run);
      const scope = `tencent#${region}`;
      expect((await store.scopes()).get(scope)).toBeUndefined();
      await store.acquireLease(loopLease(scope), 'a', at(0), 10_000);
      expect((await store.scopes()).get(scope)).toEqual({ owner: 'a', until: at(10) });
    });

    it('a lease that is given back with a rest cannot be taken before its end', async () => {
      const store = open();
      const name = `lease-${aRun().runId}`;
      await store.acquireLease(name, 'a', at(0), 10_000);
      await store.releaseLease(name, 'b', at(50));
      await store.releaseLease(name, 'a', at(30));
      expect(await store.acquireLease(name, 'a', at(29), 10_000)).toBe(false);
      expect(await store.acquireLease(name, 'b', at(31), 10_000)).toBe(true);
    });
  });
}

/** The entries that the index of live runs has of these. */
async function entriesOf(store: RunStore, runs: readonly Run[]) {
  const wanted = new Set(runs.map(({ runId }) => runId));
  const all = await Promise.all([...(await store.scopes()).keys()].map((scope) => store.liveIn(scope)));
  return all.flat().filter(({ runId }) => wanted.has(runId));
}

/** Until the clock of this machine shows another millisecond. */
async function later(than = ''): Promise<void> {
  while (new Date().toISOString() <= than) await new Promise(setImmediate);
}
