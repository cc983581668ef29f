/**
 * Runs, their waves and their outbox as a small state machine that the real code is compared with after every step, in
 * any order of steps that fast-check makes: what may have been sent, what must have ended, what has to be told.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isTerminalRun, type Run } from '../../lib/model/run.ts';
import { isTerminalTask, type TaskStatus } from '../../lib/model/status.ts';
import { cancelRun } from '../../lib/runs/cancel.ts';
import { dispatchRun } from '../../lib/runs/dispatch.ts';
import type { PollContext } from '../../lib/runs/poll.ts';
import { CRASH, dying } from '../fixtures/dying.ts';
import { aRunWorld, type RunOnlyRequest, type RunWorld } from '../fixtures/run-world.ts';
import { simulation } from './seeds/simulation.ts';
import { startTable, TABLE } from './seeds/table.ts';

/** What people and the outside have done; what the code has to make of it is in `check`. */
interface Model {
  isFrozen: boolean;
  isDown: boolean;
  runs: ModelRun[];
}

interface ModelRun {
  hasWaves: boolean;
  instances: readonly string[];
  isCancelled: boolean;
  /** What each instance was sent, in the order of the waves. */
  sent: string[];
}

interface Real {
  world: RunWorld;
  requests: RunOnlyRequest[];
}

/** Later than any lease or wait of a run. */
const LATER_MS = 75_000;
const MAX_RUNS = 3;

type Step = fc.AsyncCommand<Model, Real>;

/** A step, and after it the comparison. @param does changes the model and the real thing */
function step(
  name: string,
  may: (model: Readonly<Model>) => boolean,
  does: (model: Model, real: Real) => Promise<void>,
): Step {
  return {
    check: may,
    toString: () => name,
    async run(model, real) {
      await does(model, real);
      await compare(model, real, name);
    },
  };
}

const hasRun = (index: number) => (model: Readonly<Model>) => index < model.runs.length;

function arrives(hasWaves: boolean, instances: readonly string[]): Step {
  return step(
    `arrives(${hasWaves ? 'in waves' : 'at once'}, ${instances.join('+')})`,
    ({ runs }) => runs.length < MAX_RUNS,
    async (model, { world, requests }) => {
      model.runs.push({ hasWaves, instances, isCancelled: false, sent: [] });
      requests.push(
        world.request({
          instances: [...instances],
          command: `cmd-${requests.length}`,
          guards: { lock: true, freeze: 'wait' },
          deadline: new Date(world.now() + 86_400_000).toISOString(),
          ...(hasWaves && {
            waves: { sizes: [{ instances: 1 }], pauseMs: 0, stopAfterFailures: 1, onStop: 'finish' },
          }),
        }),
      );
    },
  );
}

/** The message comes, for the first time or again. */
function taken(index: number): Step {
  return step(`taken(${index})`, hasRun(index), async (model, { world, requests }) => {
    world.advance(LATER_MS);
    await unlessDown(model, () => world.dispatch(requestAt(requests, index)));
  });
}

/** … and its process dies at one of its requests. */
function takenAndDies(index: number, at: number, when: 'before' | 'after'): Step {
  return step(`dies(${index}, ${when} ${at})`, hasRun(index), async (model, { world, requests }) => {
    world.advance(LATER_MS);
    const point = { at, when, calls: 0 };
    const { context } = world;
    const provider = dying(context.providers.tencent, point, ['invoke', 'find']);
    const mortal: PollContext = {
      ...context,
      store: dying(context.store, point),
      guards: dying(context.guards, point),
      lastLook: dying({ take: context.lastLook }, point).take,
      providers: { ...context.providers, tencent: provider },
      atWork: new Map(),
      lately: new Map(),
    };
    await dispatchRun(requestAt(requests, index), mortal).catch((thrown: unknown) => {
      if (!model.isDown) expect(String(thrown)).toContain(CRASH);
    });
  });
}

/** Its answer is lost, with or without the command. */
function lost(index: number, fate: 'loseAnswer' | 'loseRequest'): Step {
  return step(`${fate}(${index})`, hasRun(index), async (model, { world, requests }) => {
    world.advance(LATER_MS);
    const calls = world.cloud.calls();
    world.cloud.next(fate);
    await unlessDown(model, () => world.dispatch(requestAt(requests, index)));
    // It was not asked for anything: the next call is another's.
    if (world.cloud.calls() === calls) world.cloud.forgetNext();
  });
}

function tasksEnd(index: number, status: TaskStatus): Step {
  return step(`tasks(${index}, ${status})`, hasRun(index), async (_model, { world, requests }) => {
    for (const { tasks } of invocationsOf(world, requestAt(requests, index))) {
      for (const [instanceId, task] of tasks) {
        if (isTerminalTask(task.status)) continue;
        tasks.set(instanceId, { ...task, status, providerStatus: status.toUpperCase(), started: 'yes' });
      }
    }
  });
}

function cancelled(index: number): Step {
  return step(`cancelled(${index})`, hasRun(index), async (model, { world, requests }) => {
    await unlessDown(model, async () => {
      const { kind } = await cancelRun(requestAt(requests, index).runId, 'ann', world.context);
      const run = model.runs[index];
      if (run !== undefined && kind === 'requested') run.isCancelled = true;
    });
  });
}

const frozen = (isFrozen: boolean): Step =>
  step(
    isFrozen ? 'frozen' : 'lifted',
    (model) => model.isFrozen !== isFrozen,
    async (model, { world }) => {
      model.isFrozen = isFrozen;
      await world.context.guards.setFreeze(isFrozen ? { by: 'ann', reason: 'look' } : undefined);
    },
  );

const down = (isDown: boolean): Step =>
  step(
    isDown ? 'destination down' : 'destination up',
    (model) => model.isDown !== isDown,
    async (model, { world }) => {
      model.isDown = isDown;
      world.destinationIsDown(isDown);
    },
  );

const passes = (ms: number): Step =>
  step(
    `passes(${ms})`,
    () => true,
    async (_model, { world }) => {
      world.advance(ms);
    },
  );

/** The poller looks until nothing changes any more; then more is known than that nothing is wrong. */
const looks: Step = {
  check: () => true,
  toString: () => 'looks',
  async run(model, real) {
    const { world } = real;
    for (let round = 0; round < 6; round += 1) {
      world.advance(LATER_MS);
      await world.poll();
      await compare(model, real, 'looks');
    }
    await compareAtRest(model, real);
  },
};

/** What may never be, whatever has happened. */
async function compare(model: Model, { world, requests }: Real, name: string): Promise<void> {
  for (const [index, known] of model.runs.entries()) {
    const request = requestAt(requests, index);
    const invocations = invocationsOf(world, request);
    const sent = invocations.flatMap(({ tasks }) => [...tasks.keys()]);
    expect(sent, `${name}: run ${index}: each instance once`).toEqual([...new Set(sent)]);
    const isNews = sent.length > known.sent.length;
    expect(isNews && model.isFrozen, `${name}: run ${index} is sent while all is frozen`).toBe(false);
    expect(isNews && known.isCancelled, `${name}: run ${index} is sent after its cancel`).toBe(false);
    if (isNews && known.hasWaves) {
      const before = invocations.slice(0, -1).flatMap(({ tasks }) => [...tasks.values()]);
      expect(
        before.every(({ status }) => status === 'succeeded'),
        `${name}: run ${index}: a wave follows tasks that have not succeeded`,
      ).toBe(true);
    }
    known.sent = sent;
  }
  const busy = requests.flatMap((request) => openInstances(world, request));
  expect(busy, `${name}: an instance has one run at a time`).toEqual([...new Set(busy)]);
}

/** What must be when the poller has done what there was to do. */
async function compareAtRest(model: Model, { world, requests }: Real): Promise<void> {
  const busy = new Set(requests.flatMap((request) => openInstances(world, request)));
  for (const [index, known] of model.runs.entries()) {
    const request = requestAt(requests, index);
    const run = await world.context.store.get(request.runId);
    // Nobody has taken its message yet.
    if (run === undefined) continue;
    const open = openInstances(world, request);
    const all = invocationsOf(world, request).flatMap(({ tasks }) => [...tasks.values()]);
    const isStopped =
      known.hasWaves && all.some(({ status }) => isTerminalTask(status) && status !== 'succeeded');
    const rest = known.instances.filter((id) => !known.sent.includes(id));
    const next = known.hasWaves ? rest.slice(0, 1) : rest;
    const isToSend = next.length > 0 && !known.isCancelled && !isStopped;
    const isHeldUp = model.isFrozen || next.some((id) => busy.has(id));
    const facts = { index, status: run.status, waitingFor: run.waitingFor?.code, open, next };
    const mayGoOn = open.length > 0 || (isToSend && isHeldUp);
    expect({ ...facts, isOver: isTerminalRun(run) }).toEqual({ ...facts, isOver: !mayGoOn });
    if (isTerminalRun(run))
      expect({ ...facts, end: run.status }).toEqual({ ...facts, end: endOf(known, all, rest) });
    compareTold(run, world, model, all);
  }
}

/** The end that the tasks make, with those that were never sent. */
function endOf(
  { isCancelled }: ModelRun,
  all: readonly { status: TaskStatus }[],
  rest: readonly string[],
): Run['status'] {
  const of = (...statuses: TaskStatus[]) => all.filter(({ status }) => statuses.includes(status)).length;
  const succeeded = of('succeeded');
  const failed = of('failed');
  if (succeeded === all.length && rest.length === 0) return 'succeeded';
  if (all.length === 0) return 'stopped';
  if (failed > 0) return failed === all.length + rest.length ? 'failed' : 'partly_failed';
  if (of('timed_out') === all.length && rest.length === 0) return 'timed_out';
  if (of('timed_out') > 0) return 'partly_failed';
  return succeeded > 0 && isCancelled ? 'partly_stopped' : 'stopped';
}

function compareTold(
  { runId, status, startedAt, outbox }: Run,
  world: RunWorld,
  { isDown }: Model,
  all: readonly { taskId: string; status: TaskStatus }[],
): void {
  if (isDown) return;
  const facts = [
    ...(startedAt === undefined ? [] : ['started']),
    ...all.flatMap((task) => (isTerminalTask(task.status) ? [`${task.taskId}/${task.status}`] : [])),
    ...(isTerminalRun({ status }) ? [status] : []),
  ];
  const told = new Set(world.told(runId));
  expect({ runId, missing: facts.filter((fact) => !told.has(fact)), outbox }).toEqual({
    runId,
    missing: [],
    outbox: [],
  });
}

function requestAt(requests: readonly RunOnlyRequest[], index: number): RunOnlyRequest {
  const request = requests[index];
  if (request === undefined) throw new Error(`there is no run ${index}`);
  return request;
}

function invocationsOf({ cloud }: RunWorld, { runId }: RunOnlyRequest) {
  return cloud.taken.filter(({ invocation }) => invocation.token.startsWith(runId));
}

function openInstances(world: RunWorld, request: RunOnlyRequest): string[] {
  return invocationsOf(world, request).flatMap(({ tasks }) =>
    [...tasks.values()].flatMap(({ status, instanceId }) => (isTerminalTask(status) ? [] : [instanceId])),
  );
}

/** With a destination that is down a step may throw: its message comes again. */
async function unlessDown({ isDown }: Model, work: () => Promise<unknown>): Promise<void> {
  await work().catch((thrown: unknown) => {
    if (!isDown) throw thrown;
  });
}

const INDEX = fc.nat(MAX_RUNS - 1);
const STEPS = [
  fc
    .tuple(fc.boolean(), fc.constantFrom(['ins-1', 'ins-2'], ['ins-1'], ['ins-2', 'ins-3']))
    .map(([hasWaves, instances]) => arrives(hasWaves, instances)),
  INDEX.map(taken),
  fc
    .tuple(INDEX, fc.integer({ min: 1, max: 16 }), fc.constantFrom('before' as const, 'after' as const))
    .map(([index, at, when]) => takenAndDies(index, at, when)),
  fc
    .tuple(INDEX, fc.constantFrom('loseAnswer' as const, 'loseRequest' as const))
    .map(([index, fate]) => lost(index, fate)),
  fc
    .tuple(INDEX, fc.constantFrom<TaskStatus>('succeeded', 'succeeded', 'failed', 'timed_out'))
    .map(([index, status]) => tasksEnd(index, status)),
  INDEX.map(cancelled),
  fc.boolean().map(frozen),
  fc.boolean().map(down),
  fc.constantFrom(1_000, 30_000, 90_000).map(passes),
  fc.constant(looks),
  fc.constant(looks),
];

test('the real runs are at every step what the state machine allows, and at rest what it says', {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.commands(STEPS, { maxCommands: 40, size: 'max' }), async (steps) => {
      const table = startTable(simulation(Date.now(), 1), 0);
      const world = aRunWorld({ client: table.client, table: TABLE });
      await fc.asyncModelRun(
        () => ({ model: { isFrozen: false, isDown: false, runs: [] }, real: { world, requests: [] } }),
        steps,
      );
    }),
    { numRuns: 120, seed: 20_261_121 },
  );
});
