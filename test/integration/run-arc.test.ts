/** From a run request to its completion events, whatever the cloud, the queues and people do meanwhile. */
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { FleetReflexError } from '../../lib/errors.ts';
import type { RunRequest } from '../../lib/model/run-request.ts';
import { summariseRun } from '../../lib/model/run-summary.ts';
import type { TaskReport } from '../../lib/providers/provider.ts';
import { type CancelRequest, cancelRun, cancelRuns } from '../../lib/runs/cancel.ts';
import { dispatchRun, recordRejection } from '../../lib/runs/dispatch.ts';
import { poll } from '../../lib/runs/poll.ts';
import { describeRun } from '../../lib/runs/run-view.ts';
import { LOOK_TIMING } from '../../lib/runs/watch.ts';
import { aRunWorld, FAILURE, type RunWorld } from '../fixtures/run-world.ts';
import { startRunsTable } from '../fixtures/runs-table.ts';

// A table for each test: the poller sees every run that there is.
let table: Awaited<ReturnType<typeof startRunsTable>>;
let world: RunWorld;
beforeEach(async () => {
  table = await startRunsTable();
  world = aRunWorld(table);
});
afterEach(() => table.stop());

describe('a run request', () => {
  it('is invoked once, read until it has ended, and told', async () => {
    const request = world.request();
    expect(await world.dispatch(request)).toMatchObject({ kind: 'done', run: { status: 'pending' } });
    expect(world.told(request.runId)).toEqual(['started']);
    world.cloud.tasksAre('running');
    world.advance(1_000);
    await world.poll();
    expect(await world.run(request.runId)).toMatchObject({ status: 'running' });
    world.cloud.tasksAre('succeeded');
    world.advance(5_000);
    await world.poll();
    expect(await world.run(request.runId)).toMatchObject({ status: 'succeeded', outbox: [] });
    expect(world.told(request.runId)).toEqual([
      'started',
      'inv-1/ins-1/succeeded',
      'inv-1/ins-2/succeeded',
      'succeeded',
    ]);
    expect(world.events.at(-1)?.data).toMatchObject({
      status: 'succeeded',
      counts: { succeeded: 2 },
      invocationIds: ['inv-1'],
      tasks: [
        { instanceId: 'ins-1', exitCode: 0, output: 'done\n', started: 'yes', outputDroppedBytes: 0 },
        { instanceId: 'ins-2' },
      ],
    });
    expect(world.cloud.calls()).toBe(1);
  });

  describe('whose output is stored in a bucket', () => {
    const ended = (world: RunWorld, delivery: Partial<TaskReport>) => {
      const endedAt = new Date(world.now()).toISOString();
      world.cloud.tasksAre('succeeded');
      for (const task of world.cloud.taken.flatMap(({ tasks }) => [...tasks.values()])) {
        Object.assign(task, { endedAt }, delivery);
      }
    };
    const tasksTold = () => world.events.at(-1)?.data.tasks ?? [];

    it('is told when the address is known', async () => {
      const request = world.request({ instances: ['ins-1'] });
      await world.dispatch(request);
      ended(world, { isOutputPending: true });
      world.advance(5_000);
      await world.poll();
      expect(world.told(request.runId)).toEqual(['started']);
      ended(world, { isOutputPending: false, outputUrl: 'oss://logs/x' });
      world.advance(5_000);
      await world.poll();
      expect(world.told(request.runId)).toEqual(['started', 'inv-1/ins-1/succeeded', 'succeeded']);
      expect(tasksTold()).toMatchObject([{ status: 'succeeded', outputUrl: 'oss://logs/x' }]);
    });

    it('does not wait for it for ever', async () => {
      const request = world.request({ instances: ['ins-1'] });
      await world.dispatch(request);
      ended(world, { isOutputPending: true });
      world.advance(100_000);
      await world.poll();
      expect(world.told(request.runId)).toEqual(['started']);
      world.advance(60_000);
      await world.poll();
      expect(world.told(request.runId)).toContain('succeeded');
      expect(tasksTold()).toMatchObject([
        { status: 'succeeded', outputDeliveryError: { code: 'output.pending' } },
      ]);
    });
  });

  it('forgets where to reply when the last reply is out, and not before', async () => {
    const replyTo = { via: 'slack', address: { responseUrl: 'https://hooks.slack.com/commands/T1/1/x' } };
    const request = world.request({ instances: ['ins-1'], replyTo });
    await world.dispatch(request);
    world.cloud.tasksAre('succeeded');
    world.advance(5_000);
    world.destinationIsDown(true);
    await world.poll();
    const ended = await world.run(request.runId);
    expect(ended).toMatchObject({ status: 'succeeded', replyTo });
    const shown = [summariseRun(ended), describeRun(ended), world.events];
    expect(JSON.stringify(shown)).not.toContain('hooks.slack.com');
    world.destinationIsDown(false);
    world.advance(120_000);
    await world.poll();
    const told = await world.run(request.runId);
    expect(told).toMatchObject({ status: 'succeeded', outbox: [] });
    expect(told).not.toHaveProperty('replyTo');
  });

  it('that comes again changes nothing, at any time', async () => {
    const request = world.request();
    await world.dispatch(request);
    await world.dispatch(request);
    world.cloud.tasksAre('succeeded');
    world.advance(5_000);
    await world.poll();
    const told = world.tellings(request.runId);
    expect(await world.dispatch(request)).toMatchObject({ kind: 'done', run: { status: 'succeeded' } });
    expect(world.cloud.taken).toHaveLength(1);
    expect(world.tellings(request.runId)).toBe(told);
  });

  it('on more instances than an invocation takes is several, and ends when all have', async () => {
    world = aRunWorld(table, { perInvocation: 200 });
    const instances = Array.from({ length: 450 }, (_, index) => `ins-${index}`);
    const request = world.request({ instances });
    await world.dispatch(request);
    expect(world.cloud.taken.map(({ invocation }) => invocation.target.instances.length)).toEqual([
      200, 200, 50,
    ]);
    expect(new Set(world.cloud.taken.map(({ invocation }) => invocation.token)).size).toBe(3);
    world.cloud.tasksAre('succeeded');
    world.cloud.tasksAre('running', 'ins-449');
    world.advance(5_000);
    await world.poll();
    expect(await world.run(request.runId)).toMatchObject({ status: 'running' });
    world.cloud.tasksAre('failed', 'ins-449');
    world.advance(60_000);
    await world.poll();
    expect(await world.run(request.runId)).toMatchObject({
      status: 'partly_failed',
      reason: { code: 'task.failed', message: 'ins-449 exited with 3.' },
    });
  });

  it('that the cloud refuses for good ends at once, and says why', async () => {
    world.cloud.next({ refuse: { code: 'ResourceNotFound.CommandNotFound', message: 'No such command.' } });
    const request = world.request();
    const result = await world.dispatch(request);
    expect(result).toMatchObject({ kind: 'done', run: { status: 'failed' } });
    expect(world.told(request.runId)).toEqual([
      expect.stringMatching(/ins-1\/rejected$/),
      expect.stringMatching(/ins-2\/rejected$/),
      'failed',
    ]);
    expect(world.events.at(-1)?.data).toMatchObject({
      reason: { code: 'ResourceNotFound.CommandNotFound', advice: 'Write it otherwise.' },
      tasks: [{ started: 'no', error: { code: 'ResourceNotFound.CommandNotFound' } }, {}],
    });
  });

  it('that the cloud throttles comes back, until its deadline', async () => {
    const throttled = { refuse: { code: 'RequestLimitExceeded', isRetryable: true, retryAfterMs: 3_000 } };
    world.cloud.next(throttled, throttled);
    const request = world.request({ deadline: new Date(world.now() + 60_000).toISOString() });
    expect(await world.dispatch(request)).toMatchObject({ kind: 'retry', retryAfterMs: 3_000 });
    expect(await world.run(request.runId)).toMatchObject({
      status: 'dispatching',
      waitingFor: { code: 'RequestLimitExceeded' },
    });
    world.advance(61_000);
    expect(await world.dispatch(request)).toMatchObject({
      kind: 'done',
      run: { status: 'expired', reason: { code: 'RequestLimitExceeded' } },
    });
    expect(world.cloud.taken).toHaveLength(0);
    expect(world.told(request.runId)).toEqual(['expired']);
  });

  it('that is refused by its rule is recorded and told, once', async () => {
    const { runId, rule, trigger, notify, requestedAt } = world.request();
    const reason = { code: 'parameters.unsafe', message: 'the parameter text: …' };
    const request: Extract<RunRequest, { action: 'reject' }> = {
      version: 2,
      action: 'reject',
      runId,
      rule,
      trigger,
      notify,
      requestedAt,
      reason,
    };
    await recordRejection(request, world.context);
    await recordRejection(request, world.context);
    expect(await world.run(runId)).toMatchObject({ status: 'rejected', reason });
    expect(world.events.map(({ type, data }) => [type, data.reason])).toEqual([
      ['fleet-reflex.run.rejected', reason],
    ]);
  });
});

describe('a lost answer', () => {
  it('of a call that took effect: the invocation is found and adopted', async () => {
    world.cloud.next('loseAnswer');
    const request = world.request();
    expect(await world.dispatch(request)).toMatchObject({ kind: 'retry' });
    world.advance(70_000);
    await world.poll();
    expect(world.cloud.taken).toHaveLength(1);
    expect(await world.run(request.runId)).toMatchObject({
      status: 'pending',
      invocations: [{ state: 'sent', invocationId: 'inv-1' }],
    });
  });

  it('of a call that had none: it is made again, but not before the cloud has had time to show it', async () => {
    world.cloud.next('loseRequest');
    const request = world.request();
    await world.dispatch(request);
    world.advance(3_000);
    expect(await world.dispatch(request)).toMatchObject({ kind: 'retry' });
    expect(world.cloud.calls()).toBe(1);
    world.advance(70_000);
    await world.dispatch(request);
    expect(world.cloud.calls()).toBe(2);
    expect(world.cloud.taken).toHaveLength(1);
  });

  it('never leads to a guess: two that could be it end the run as unknown', async () => {
    const request = world.request();
    world.cloud.next('loseAnswer');
    await world.dispatch(request);
    // A person does the same by hand.
    const [ours] = world.cloud.taken;
    if (ours !== undefined) await world.cloud.provider.invoke(ours.invocation);
    world.advance(70_000);
    await world.dispatch(request);
    expect(await world.run(request.runId)).toMatchObject({
      status: 'unknown',
      reason: { code: 'run.uncertain', message: expect.stringContaining('inv-1, inv-2') },
    });
    expect(world.cloud.taken).toHaveLength(2);
  });

  it('does not take the invocation of the run before it', async () => {
    const other = world.request();
    await world.dispatch(other);
    world.cloud.next('loseAnswer');
    const request = world.request();
    await world.dispatch(request);
    world.advance(70_000);
    await world.dispatch(request);
    expect(await world.run(request.runId)).toMatchObject({ invocations: [{ invocationId: 'inv-2' }] });
  });

  it('costs nothing where the cloud knows the token', async () => {
    world = aRunWorld(table, { hasTokens: true });
    world.cloud.hides(true);
    world.cloud.next('loseAnswer');
    const request = world.request();
    await world.dispatch(request);
    world.advance(70_000);
    await world.dispatch(request);
    expect(world.cloud.taken).toHaveLength(1);
    expect(await world.run(request.runId)).toMatchObject({ invocations: [{ invocationId: 'inv-1' }] });
  });
});

describe('two attempts at once', () => {
  it('are one: the second waits for the lease of the first', async () => {
    const request = world.request();
    const [one, two] = await Promise.all([world.dispatch(request), world.dispatch(request)]);
    expect([one?.kind, two?.kind].toSorted()).toEqual(['done', 'retry']);
    expect(world.cloud.calls()).toBe(1);
  });

  it('of the poller after a dispatch that died: only one takes it over', async () => {
    const request = world.request();
    // The process dies before it calls the cloud.
    const death = new Error('the process died');
    const dead = { ...world.context, lastLook: () => Promise.reject(death) };
    await expect(dispatchRun(request, dead)).rejects.toBe(death);
    world.advance(61_000);
    await Promise.all([world.dispatch(request), world.poll()]);
    expect(world.cloud.taken).toHaveLength(1);
  });
});

describe('runs of one process that look the same', () => {
  /** How often the lease of looks, and the run that it names, are read. */
  function counted() {
    const reads: string[] = [];
    const { store } = world.context;
    const context = {
      ...world.context,
      store: {
        ...store,
        twin: async (key: string) => {
          reads.push('twin');
          return await store.twin(key);
        },
        glimpse: async (runId: string) => {
          reads.push('glimpse');
          return await store.glimpse(runId);
        },
      },
    };
    return { context, reads };
  }

  it('one after the other read the lease once: what became of the last is known', async () => {
    const { context, reads } = counted();
    const requests = [1, 2, 3].map(() => world.request());
    for (const request of requests) await dispatchRun(request, context);
    expect(reads).toEqual(['twin']);
    expect(world.cloud.taken.map(({ invocationId }) => invocationId)).toEqual(['inv-1', 'inv-2', 'inv-3']);
  });

  it('and at once: each is stored as sent before the next is', async () => {
    const { context, reads } = counted();
    const requests = [1, 2, 3, 4].map(() => world.request());
    const results = await Promise.all(requests.map((request) => dispatchRun(request, context)));
    expect(results.map(({ run }) => run.status)).toEqual(requests.map(() => 'pending'));
    expect(reads).toEqual(['twin']);
    const ids = await Promise.all(
      requests.map(async ({ runId }) => (await world.run(runId)).invocations[0]?.invocationId),
    );
    expect(ids.toSorted()).toEqual(['inv-1', 'inv-2', 'inv-3', 'inv-4']);
  });

  it('read it again when another process has taken it meanwhile, or an answer was lost', async () => {
    const { context, reads } = counted();
    const other = { ...world.context, atWork: new Map(), lately: new Map() };
    await dispatchRun(world.request(), context);
    await dispatchRun(world.request(), other);
    await dispatchRun(world.request(), context);
    expect(reads).toEqual(['twin', 'twin', 'glimpse']);
    world.cloud.next('loseAnswer');
    const lost = world.request();
    await dispatchRun(lost, context);
    // Nobody knows what became of it: the next waits.
    const next = world.request();
    expect(await dispatchRun(next, context)).toMatchObject({ kind: 'retry' });
    world.advance(75_000);
    await dispatchRun(lost, context);
    await dispatchRun(next, context);
    const [one, two] = [await world.run(lost.runId), await world.run(next.runId)];
    expect([one, two].map(({ invocations }) => invocations[0]?.invocationId)).toEqual(['inv-4', 'inv-5']);
    expect(world.cloud.taken).toHaveLength(5);
  });
});

describe('guards', () => {
  const dedupe = { key: 'fingerprint', windowMs: 600_000 };

  it('dedupe: one run for each key and window', async () => {
    const rule = world.request().rule;
    await world.dispatch(world.request({ rule, guards: { dedupe } }));
    const second = world.request({ rule, guards: { dedupe } });
    await world.dispatch(second);
    expect(await world.run(second.runId)).toMatchObject({
      status: 'rejected',
      reason: { code: 'guard.dedupe' },
    });
    world.advance(601_000);
    const third = world.request({ rule, guards: { dedupe } });
    await world.dispatch(third);
    expect(await world.run(third.runId)).toMatchObject({ status: 'pending' });
  });

  it('dedupe is given back by a run that was never sent', async () => {
    const rule = world.request().rule;
    await world.context.guards.setFreeze({ by: 'ada', reason: 'incident' });
    const first = world.request({ rule, guards: { dedupe } });
    await world.dispatch(first);
    await world.context.guards.setFreeze(undefined);
    const second = world.request({ rule, guards: { dedupe } });
    await world.dispatch(second);
    expect(await world.run(first.runId)).toMatchObject({
      status: 'rejected',
      reason: { code: 'guard.freeze', message: 'ada has frozen all runs until it is lifted: incident.' },
    });
    expect(await world.run(second.runId)).toMatchObject({ status: 'pending' });
  });

  it('cooldown: none of the same key for so long after one began', async () => {
    const rule = world.request().rule;
    const guards = { cooldownMs: 60_000 };
    await world.dispatch(world.request({ rule, guards }));
    const soon = world.request({ rule, guards });
    await world.dispatch(soon);
    expect(await world.run(soon.runId)).toMatchObject({ reason: { code: 'guard.cooldown' } });
    world.advance(61_000);
    const later = world.request({ rule, guards });
    await world.dispatch(later);
    expect(await world.run(later.runId)).toMatchObject({ status: 'pending' });
  });

  it('a run that one guard refuses holds nothing of another', async () => {
    const rule = world.request().rule;
    const cooldownMs = 60_000;
    await world.dispatch(world.request({ rule, guards: { dedupe: { key: 'k', windowMs: 1 }, cooldownMs } }));
    world.advance(2);
    const guards = { dedupe: { key: 'k', windowMs: 600_000 }, cooldownMs };
    const refused = world.request({ rule, guards });
    await world.dispatch(refused);
    expect(await world.run(refused.runId)).toMatchObject({ reason: { code: 'guard.cooldown' } });
    world.advance(61_000);
    const next = world.request({ rule, guards });
    await world.dispatch(next);
    expect(await world.run(next.runId)).toMatchObject({ status: 'pending' });
  });

  it('maxInFlight: the next one waits, and goes when one has ended', async () => {
    const rule = world.request().rule;
    const guards = { maxInFlight: 1 };
    const first = world.request({ rule, guards });
    const second = world.request({ rule, guards });
    await world.dispatch(first);
    expect(await world.dispatch(second)).toMatchObject({
      kind: 'retry',
      run: { waitingFor: { code: 'guard.in-flight' } },
    });
    world.cloud.tasksAre('succeeded');
    world.advance(6_000);
    await world.poll();
    expect(await world.dispatch(second)).toMatchObject({ kind: 'done', run: { status: 'pending' } });
  });

  it('maxInFlight holds also when many come at once', async () => {
    const rule = world.request().rule;
    const requests = Array.from({ length: 8 }, () => world.request({ rule, guards: { maxInFlight: 3 } }));
    const results = await Promise.all(requests.map((request) => world.dispatch(request)));
    expect(results.filter(({ kind }) => kind === 'done')).toHaveLength(3);
    expect(world.cloud.taken).toHaveLength(3);
  });

  it('maxInstances: more than meant is a mistake', async () => {
    const request = world.request({ guards: { maxInstances: 1 } });
    await world.dispatch(request);
    expect(await world.run(request.runId)).toMatchObject({
      status: 'rejected',
      reason: { code: 'guard.max-instances' },
    });
    expect(world.told(request.runId)).toEqual(['rejected']);
    expect(world.cloud.calls()).toBe(0);
  });

  it('a run that comes again passes its own guards', async () => {
    const request = world.request({ guards: { dedupe, cooldownMs: 60_000, maxInFlight: 1 } });
    world.cloud.next({ refuse: { isRetryable: true, retryAfterMs: 1_000 } });
    expect(await world.dispatch(request)).toMatchObject({ kind: 'retry' });
    world.advance(2_000);
    expect(await world.dispatch(request)).toMatchObject({ kind: 'done', run: { status: 'pending' } });
  });
});

describe('instances that cannot take a command', () => {
  it.each([
    ['fail', 'pending', ['ins-1', 'ins-2']],
    ['skip', 'pending', ['ins-1']],
  ] as const)('onUnavailable %s', async (onUnavailable, status, instances) => {
    world.cloud.lacks('ins-2');
    const request = world.request({ onUnavailable });
    await world.dispatch(request);
    expect(await world.run(request.runId)).toMatchObject({ status });
    expect(world.cloud.taken[0]?.invocation.target.instances).toEqual(instances);
  });

  it('onUnavailable skip tells which were left out, and rejects when none is left', async () => {
    world.cloud.lacks('ins-2');
    const request = world.request({ onUnavailable: 'skip' });
    await world.dispatch(request);
    world.cloud.tasksAre('succeeded');
    world.advance(2_000);
    await world.poll();
    expect(world.events.at(-1)?.data.tasks).toMatchObject([
      { instanceId: 'ins-1', status: 'succeeded' },
      {
        instanceId: 'ins-2',
        status: 'undelivered',
        started: 'no',
        error: { message: 'Skipped: agent offline.' },
      },
    ]);
    world.cloud.lacks('ins-1', 'ins-2');
    const none = world.request({ onUnavailable: 'skip' });
    await world.dispatch(none);
    expect(await world.run(none.runId)).toMatchObject({ status: 'rejected' });
  });

  it('onUnavailable retry waits for them', async () => {
    world.cloud.lacks('ins-2');
    const request = world.request({ onUnavailable: 'retry' });
    expect(await world.dispatch(request)).toMatchObject({ kind: 'retry' });
    world.cloud.lacks();
    world.advance(16_000);
    await world.dispatch(request);
    expect(world.cloud.taken[0]?.invocation.target.instances).toEqual(['ins-1', 'ins-2']);
  });
});

describe('a cancel', () => {
  const cancelOf = (rule: string, given: Partial<CancelRequest> = {}): CancelRequest => {
    const { runId, trigger, requestedAt } = world.request();
    return {
      version: 1,
      action: 'cancel',
      runId,
      rule: 'stop-it',
      trigger,
      notify: [],
      requestedAt,
      targetRule: rule,
      ...given,
    };
  };

  it('of a run that runs: it ends as the cloud then says', async () => {
    const request = world.request();
    await world.dispatch(request);
    world.cloud.tasksAre('running', 'ins-1');
    world.advance(1);
    expect(await cancelRuns(cancelOf(request.rule), world.context)).toEqual({ cancelled: [request.runId] });
    await world.poll();
    expect(await world.run(request.runId)).toMatchObject({
      status: 'stopped',
      reason: { code: 'run.cancelled', message: expect.stringContaining('1 terminated, 1 cancelled') },
    });
  });

  it('of a run that finishes in spite of it: it succeeded', async () => {
    const request = world.request();
    await world.dispatch(request);
    world.cloud.tasksAre('succeeded');
    await cancelRun(request.runId, 'ada', world.context);
    await world.poll();
    expect(await world.run(request.runId)).toMatchObject({ status: 'succeeded', cancelledBy: 'ada' });
  });

  it('of a key is of no other key, and of no run that was asked for after it', async () => {
    const guards = (key: string) => ({ dedupe: { key, windowMs: 1 } });
    const rule = world.request().rule;
    const meant = world.request({ rule, guards: guards('a') });
    const other = world.request({ rule, guards: guards('b') });
    await world.dispatch(meant);
    await world.dispatch(other);
    const cancel = cancelOf(rule, { key: 'a' });
    world.advance(5_000);
    const later = world.request({ rule, guards: guards('a') });
    await world.dispatch(later);
    expect(await cancelRuns(cancel, world.context)).toEqual({ cancelled: [meant.runId] });
    expect(await cancelRuns(cancel, world.context)).toEqual({ cancelled: [meant.runId] });
    expect(world.cloud.cancelled).not.toContain('inv-2');
    expect(world.cloud.cancelled).not.toContain('inv-3');
  });

  it('that overtakes its run stops it before it is sent', async () => {
    const request = world.request();
    world.advance(1_000);
    await cancelRuns(cancelOf(request.rule), world.context);
    await world.dispatch(request);
    expect(await world.run(request.runId)).toMatchObject({
      status: 'rejected',
      reason: { code: 'guard.cancelled' },
    });
    expect(world.cloud.calls()).toBe(0);
  });

  it('at the last moment before the call: nothing is called', async () => {
    const request = world.request();
    const lastLook: typeof world.context.lastLook = async (run, now) => {
      await cancelRun(run.runId, 'ada', world.context);
      return await world.context.lastLook(run, now);
    };
    await dispatchRun(request, { ...world.context, lastLook });
    expect(world.cloud.calls()).toBe(0);
    expect(await world.run(request.runId)).toMatchObject({ status: 'stopped', cancelledBy: 'ada' });
  });

  it('of some instances at the last moment before the call: they are not in it', async () => {
    const request = world.request();
    let isCancelled = false;
    const lastLook: typeof world.context.lastLook = async (run, now) => {
      if (!isCancelled) await cancelRun(run.runId, 'ada', world.context, ['ins-1']);
      isCancelled = true;
      return await world.context.lastLook(run, now);
    };
    await dispatchRun(request, { ...world.context, lastLook });
    expect(world.cloud.taken.map(({ invocation }) => invocation.target.instances)).toEqual([['ins-2']]);
  });

  it('when a retried run is marked anew: nothing is called', async () => {
    world.cloud.next({ refuse: { isRetryable: true, retryAfterMs: 1_000 } });
    const request = world.request();
    await world.dispatch(request);
    world.advance(2_000);
    const { store } = world.context;
    const save: typeof store.save = async (run) => {
      const isAttempt = run.invocations.some(({ state }) => state === 'attempting');
      if (isAttempt && run.cancelRequestedAt === undefined) await cancelRun(run.runId, 'ada', world.context);
      return await store.save(run);
    };
    await dispatchRun(request, { ...world.context, store: { ...store, save } });
    expect(world.cloud.taken).toEqual([]);
    expect(await world.run(request.runId)).toMatchObject({ status: 'stopped', cancelledBy: 'ada' });
  });

  it('does not send what another attempt has taken over meanwhile', async () => {
    const request = world.request();
    const lastLook: typeof world.context.lastLook = async (run, now) => {
      world.advance(world.context.leaseMs + 1_000);
      // Of another process.
      await dispatchRun(request, { ...world.context, atWork: new Map(), lately: new Map() });
      return await world.context.lastLook(run, now);
    };
    expect(await dispatchRun(request, { ...world.context, lastLook })).toMatchObject({ kind: 'retry' });
    expect(world.cloud.calls()).toBe(1);
  });

  it('while the cloud is called: it is asked to stop as soon as it has named the invocation', async () => {
    const request = world.request();
    const { tencent } = world.context.providers;
    const invoke: typeof tencent.invoke = async (invocation) => {
      await cancelRun(request.runId, 'ada', world.context);
      return await tencent.invoke(invocation);
    };
    const provider = { ...tencent, invoke };
    await dispatchRun(request, { ...world.context, providers: { tencent: provider, alibaba: provider } });
    expect(world.cloud.cancelled).toEqual(['inv-1']);
    world.advance(2_000);
    await world.poll();
    expect(await world.run(request.runId)).toMatchObject({ status: 'stopped' });
  });

  it('of a run that waits: it is never sent', async () => {
    world.cloud.next({ refuse: { isRetryable: true, retryAfterMs: 1_000 } });
    const request = world.request();
    await world.dispatch(request);
    await cancelRun(request.runId, 'ada', world.context);
    world.advance(2_000);
    await world.poll();
    expect(await world.run(request.runId)).toMatchObject({
      status: 'stopped',
      reason: { code: 'run.cancelled' },
    });
    expect(world.cloud.taken).toHaveLength(0);
  });

  it('that the cloud cannot hear now is asked again', async () => {
    const request = world.request();
    await world.dispatch(request);
    world.cloud.cannotCancel({ ...FAILURE, isRetryable: true });
    await expect(cancelRun(request.runId, 'ada', world.context)).rejects.toThrow(FleetReflexError);
    world.cloud.cannotCancel();
    await cancelRun(request.runId, 'ada', world.context);
    expect(world.cloud.cancelled).toEqual(['inv-1']);
  });

  it('of what has ended, or never was, says so', async () => {
    const request = world.request();
    expect(await cancelRun(request.runId, 'ada', world.context)).toEqual({ kind: 'missing' });
    world.cloud.next({ refuse: {} });
    await world.dispatch(request);
    expect(await cancelRun(request.runId, 'ada', world.context)).toMatchObject({ kind: 'ended' });
  });
});

describe('the poller', () => {
  it('lets one loop run at a time', async () => {
    const { store } = world.context;
    const region = 'ap-chengdu';
    const lease = `poller#tencent#${region}`;
    await world.dispatch(world.request({ region }));
    world.cloud.tasksAre('running');
    await store.acquireLease(lease, 'another', new Date(world.now()), 60_000);
    await world.poll();
    expect(world.cloud.reads()).toBe(0);
    await store.releaseLease(lease, 'another');
    await world.poll();
    expect(world.cloud.reads()).toBe(1);
    // It gives the lease back: the next function need not wait for it.
    await poll({ ...world.context, owner: 'another' });
    expect(world.cloud.reads()).toBe(2);
  });

  it('is busy where other loops have all that there is to do', async () => {
    const own = await startRunsTable();
    onTestFinished(own.stop);
    const alone = aRunWorld(own);
    expect(await alone.poll()).toMatchObject({ kind: 'done' });
    await alone.dispatch(alone.request());
    await alone.context.store.acquireLease('poller#tencent#ap-guangzhou', 'b', new Date(alone.now()), 9_000);
    expect(await alone.poll()).toEqual({ kind: 'busy' });
    alone.advance(9_001);
    expect(await alone.poll()).toMatchObject({ kind: 'done', read: 1 });
  });

  it('rests so long that it is at work for no more than its share of a minute', async () => {
    const own = await startRunsTable();
    onTestFinished(own.stop);
    const alone = aRunWorld(own);
    await alone.dispatch(alone.request());
    alone.cloud.tasksAre('running');
    const context = { ...alone.context, budgetMs: 50_000, secondsPerMinute: 15 };
    const begun = alone.now();
    await poll(context);
    const worked = alone.now() - begun;
    expect(Math.round(worked / 1000)).toBe(15);
    expect(await poll(context)).toEqual({ kind: 'busy' });
    expect(alone.wakes.at(-1)?.getTime()).toBeCloseTo(begun + worked * 4, -3);
    alone.advance(worked * 3 + 1);
    alone.cloud.tasksAre('succeeded');
    expect(await poll(context)).toMatchObject({ kind: 'done', settled: 1 });
  });

  it('asks a cloud that cannot be read less and less often, and loses nothing', async () => {
    const request = world.request();
    await world.dispatch(request);
    world.cloud.cannotBeRead({ ...FAILURE, isRetryable: true });
    await poll({ ...world.context, budgetMs: 60_000 });
    expect(world.cloud.reads()).toBe(5);
    expect(await world.run(request.runId)).toMatchObject({ status: 'pending' });
    world.cloud.cannotBeRead();
    world.cloud.tasksAre('succeeded');
    world.advance(120_000);
    await world.poll();
    expect(await world.run(request.runId)).toMatchObject({ status: 'succeeded' });
  });

  it('gives up long after the time-out, and reports an unknown outcome', async () => {
    const request = world.request({ timeoutSeconds: 60 });
    await world.dispatch(request);
    world.cloud.tasksAre('succeeded', 'ins-1');
    world.cloud.tasksAre('running', 'ins-2');
    world.advance(60_000 + 11 * 60_000);
    await world.poll();
    expect(await world.run(request.runId)).toMatchObject({
      status: 'unknown',
      reason: { code: 'poll.gave-up', message: expect.stringContaining('ins-2') },
    });
    expect(world.events.at(-1)?.data.tasks).toMatchObject([
      { instanceId: 'ins-1', status: 'succeeded' },
      { instanceId: 'ins-2', status: 'lost', started: 'yes' },
    ]);
  });

  it('sends an event again whose destination was down, and is not stopped by it', async () => {
    const stuck = world.request();
    await world.dispatch(stuck);
    world.cloud.tasksAre('succeeded');
    world.destinationIsDown(true);
    world.advance(2_000);
    expect(await world.poll()).toMatchObject({ failed: 1 });
    world.destinationIsDown(false);
    world.advance(120_000);
    await world.poll();
    expect(world.told(stuck.runId)).toEqual([
      'started',
      'inv-1/ins-1/succeeded',
      'inv-1/ins-2/succeeded',
      'succeeded',
    ]);
  });

  it('and one that a provider’s push woke at the same time tell each fact once', async () => {
    const request = world.request();
    await world.dispatch(request);
    world.cloud.tasksAre('succeeded');
    const another = { ...world.context, owner: 'another' };
    await Promise.all([world.poll(), poll(another)]);
    await world.poll();
    expect(await world.run(request.runId)).toMatchObject({ status: 'succeeded' });
    expect(world.tellings(request.runId)).toBe(world.told(request.runId).length);
  });

  /** A poller whose cloud has not answered yet. */
  async function aSlowPoller(owner: string) {
    const { provider } = world.cloud;
    const [asked, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const slow: typeof provider = {
      ...provider,
      async read(...refs) {
        const readings = await provider.read(...refs);
        asked.resolve();
        await answered.promise;
        return readings;
      },
    };
    const done = poll({ ...world.context, owner, providers: { tencent: slow, alibaba: slow } });
    await asked.promise;
    return {
      async goesOn() {
        answered.resolve();
        await done;
      },
    };
  }

  it('whose lease ran out while the cloud did not answer tells nothing that another has told', async () => {
    const request = world.request();
    await world.dispatch(request);
    world.cloud.tasksAre('succeeded');
    const slow = await aSlowPoller('slow');
    world.advance(10_001);
    await poll({ ...world.context, owner: 'another' });
    await slow.goesOn();
    expect(await world.run(request.runId)).toMatchObject({ status: 'succeeded', outbox: [] });
    expect(world.told(request.runId)).toHaveLength(4);
    expect(world.tellings(request.runId)).toBe(4);
  });

  it('takes what the cloud said on to a run that was cancelled meanwhile', async () => {
    const request = world.request();
    await world.dispatch(request);
    world.cloud.tasksAre('succeeded');
    const slow = await aSlowPoller('slow');
    await cancelRun(request.runId, 'ann', world.context);
    await slow.goesOn();
    expect(await world.run(request.runId)).toMatchObject({ status: 'succeeded', cancelledBy: 'ann' });
    expect(world.tellings(request.runId)).toBe(4);
  });

  it('believes the table, and not an index that is behind it', async () => {
    const request = world.request();
    await world.dispatch(request);
    world.cloud.tasksAre('succeeded');
    const { store } = world.context;
    const scopes = [...(await store.scopes()).keys()];
    const before = new Map(
      await Promise.all(scopes.map(async (scope) => [scope, await store.liveIn(scope)] as const)),
    );
    await world.poll();
    const liveIn: typeof store.liveIn = async (scope) => before.get(scope) ?? [];
    const reads = world.cloud.reads();
    await poll({ ...world.context, store: { ...store, liveIn } });
    expect(world.cloud.reads()).toBe(reads);
    expect(world.tellings(request.runId)).toBe(4);
  });

  it('asks to be woken for what is due before its next minute', async () => {
    const request = world.request();
    await world.dispatch(request);
    world.cloud.tasksAre('running');
    world.advance(20_000);
    world.wakes.length = 0;
    await world.poll();
    expect(world.wakes).toEqual([new Date(world.now() + LOOK_TIMING.everyMs)]);
  });
});
