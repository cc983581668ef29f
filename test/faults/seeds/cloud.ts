/**
 * A cloud that remembers what it really ran. `tencent` has no client tokens and is searched by looks; `alibaba` has
 * them. What becomes of a task is known when it is taken, and shows as its time comes.
 */
import { FleetReflexError } from '../../../lib/errors.ts';
import type { TaskStatus } from '../../../lib/model/status.ts';
import type {
  Invocation,
  InvocationReading,
  InvokeOutcome,
  Provider,
  ProviderFailure,
  TaskReport,
} from '../../../lib/providers/provider.ts';
import { type Fault, kindOf } from './faults.ts';
import type { Process } from './process.ts';
import type { Simulation } from './simulation.ts';

export type CloudName = 'tencent' | 'alibaba';

/** A command on an instance, as it really was. */
export interface Execution {
  invocationId: string;
  /** Of the invocation: it begins with the run's id. */
  token: string;
  instanceId: string;
  takenAtMs: number;
  /** When it began to run, and when it ended; a cancelled one may never have begun. */
  startsAtMs: number;
  endsAtMs: number;
  end: TaskStatus;
}

export interface CloudPlan {
  /** It answers nobody in these times: from, to, epoch milliseconds. */
  away: readonly (readonly [number, number])[];
  /** After this an invocation is shown by a search, at the most. */
  showsWithinMs: number;
  /** How a task ends, and how long it takes. */
  taskOf: () => { end: TaskStatus; ms: number };
}

/** The client's patience. */
const TIMEOUT_MS = 15_000;
/**
 * A request whose caller heard of nothing is there by then; with `showsWithinMs` that is within the settling time of
 * lib/wiring/fleet.ts. What comes later may run once more, as test/faults/twins.test.ts has it.
 */
const LATE_MS = 4_000;

interface Taken {
  invocationId: string;
  invocation: Invocation;
  takenAtMs: number;
  shownAtMs: number;
  executions: Execution[];
}

export function startCloud(name: CloudName, sim: Simulation, plan: CloudPlan) {
  const taken: Taken[] = [];
  const isAway = (): boolean => plan.away.some(([from, to]) => sim.now() >= from && sim.now() < to);

  const take = (invocation: Invocation): Taken => {
    const known = taken.find((one) => name === 'alibaba' && one.invocation.token === invocation.token);
    if (known !== undefined) return known;
    const invocationId = `${name === 'tencent' ? 'inv' : 't'}-${taken.length + 1}`;
    const takenAtMs = sim.now();
    const executions = invocation.target.instances.map((instanceId): Execution => {
      const startsAtMs = takenAtMs + 200 + sim.random() * 1_500;
      const { end, ms } = plan.taskOf();
      return {
        invocationId,
        token: invocation.token,
        instanceId,
        takenAtMs,
        startsAtMs,
        endsAtMs: startsAtMs + ms,
        end,
      };
    });
    const shownAtMs = takenAtMs + sim.random() * plan.showsWithinMs;
    const one = { invocationId, invocation, takenAtMs, shownAtMs, executions };
    taken.push(one);
    sim.trace(`      ${name} takes ${invocationId} of ${invocation.token}`);
    return one;
  };

  /** What the cloud says of a task at that time. */
  const reportOf = (execution: Execution, atMs: number): TaskReport => {
    const { invocationId, instanceId, startsAtMs, endsAtMs, end } = execution;
    const isOver = atMs >= endsAtMs;
    const status: TaskStatus = isOver ? end : atMs < startsAtMs ? 'queued' : 'running';
    const hasStarted = isOver ? end !== 'cancelled' : atMs >= startsAtMs;
    return {
      invocationId,
      taskId: `${invocationId}/${instanceId}`,
      instanceId,
      status,
      providerStatus: status.toUpperCase(),
      started: hasStarted ? 'yes' : 'no',
      ...(status === 'succeeded' && { exitCode: 0, output: Buffer.from('done\n'.repeat(200)) }),
      ...(status === 'failed' && { exitCode: 3 }),
    };
  };

  const providerOf = (process: Process): Provider => ({
    name,
    identity:
      name === 'alibaba'
        ? { by: 'token' }
        : {
            by: 'looks',
            of: ({ target: { region, command, instances } }) =>
              JSON.stringify([region, command, [...instances].sort()]),
          },
    maxInstancesPerInvocation: 200,
    requestCounts: {},
    isInstanceId: () => true,
    split: (instances) => [[...instances]],
    storedCommand: async () => undefined,
    async invoke(invocation) {
      return await process.ask(
        'invoke',
        `${name} invoke ${invocation.token}`,
        async (fault) => await withPatience(process, fault, () => invoke(invocation, fault)),
      );
    },
    async find(invocation, since) {
      return await process.ask('cloud', `${name} find ${invocation.token}`, async (fault) => {
        const failure = failureOf(fault);
        if (failure !== undefined || isAway()) throw toError(failure ?? LOST);
        // As TAT: whole seconds of its own clock, some tolerance, and rows that show only after a while.
        const skewMs = process.now().getTime() - sim.now();
        const from = since.getTime() - skewMs - 5_000;
        const looks = looksOf(invocation);
        const found = taken
          .filter(
            ({ takenAtMs, shownAtMs }) =>
              Math.floor(takenAtMs / 1000) * 1000 >= from && shownAtMs <= sim.now(),
          )
          .filter((one) =>
            name === 'alibaba'
              ? one.invocation.token === invocation.token
              : looksOf(one.invocation) === looks,
          );
        return found.map(({ invocationId }) => invocationId);
      });
    },
    async read(refs) {
      return await process.ask('cloud', `${name} read ${refs.length}`, async (fault) => {
        const failure = isAway() ? LOST : failureOf(fault);
        const atMs = sim.now() - (fault?.kind === 'stale' ? Math.min(fault.ms, 5_000) : 0);
        return refs.map(({ invocationId }, index): InvocationReading => {
          if (failure !== undefined || (fault?.kind === 'partial' && index % 2 === 0)) {
            return { invocationId, kind: 'failed', failure: failure ?? LOST };
          }
          const one = taken.find((it) => it.invocationId === invocationId);
          const executions = one === undefined || one.takenAtMs > atMs ? [] : one.executions;
          return { invocationId, kind: 'read', tasks: executions.map((it) => reportOf(it, atMs)) };
        });
      });
    },
    async list(_region, { since }) {
      return await process.ask('cloud', `${name} list`, async (fault) => {
        const failure = isAway() ? LOST : failureOf(fault);
        if (failure !== undefined) throw toError(failure);
        const shown = taken.filter((one) => one.takenAtMs >= since.getTime() && one.shownAtMs <= sim.now());
        return {
          invocations: shown.map(({ invocationId, takenAtMs, invocation: { token, target } }) => ({
            invocationId,
            command: target.command,
            createdAt: new Date(takenAtMs).toISOString(),
            ...(name === 'alibaba' && { token }),
          })),
        };
      });
    },
    async cancel({ invocationId }, instances) {
      return await process.ask('cloud', `${name} cancel ${invocationId}`, async (fault) => {
        const failure = failureOf(fault);
        if (isAway() || (failure !== undefined && fault?.kind !== 'lostAfter')) {
          return { kind: 'failed', failure: failure ?? LOST };
        }
        for (const execution of taken.find((it) => it.invocationId === invocationId)?.executions ?? []) {
          if (instances?.includes(execution.instanceId) !== false) stop(execution);
        }
        return failure === undefined ? { kind: 'requested' } : { kind: 'failed', failure };
      });
    },
    async availability(_region, instances) {
      return await process.ask('cloud', `${name} availability`, async (fault) => {
        const failure = isAway() ? LOST : failureOf(fault);
        if (failure !== undefined) throw toError(failure);
        return instances.map((instanceId) => ({ instanceId, isAvailable: true }));
      });
    },
  });

  const stop = (execution: Execution): void => {
    const nowMs = sim.now();
    if (nowMs >= execution.endsAtMs) return;
    execution.end = nowMs < execution.startsAtMs ? 'cancelled' : 'terminated';
    execution.endsAtMs = nowMs;
  };

  const invoke = async (invocation: Invocation, fault: Fault | undefined): Promise<InvokeOutcome> => {
    if (isAway()) return { kind: 'unknown', failure: LOST };
    switch (kindOf(fault)) {
      case 'lostBefore':
        return { kind: 'unknown', failure: LOST };
      case 'throttled':
        return { kind: 'notSent', failure: THROTTLED };
      case 'error':
        // A 500: whether it had an effect is the seed's.
        if (sim.random() < 0.5) take(invocation);
        return { kind: 'unknown', failure: { ...LOST, code: 'InternalError' } };
      case 'lostAfter':
        take(invocation);
        return { kind: 'unknown', failure: LOST };
      case 'late':
        sim.schedule(sim.now() + sim.random() * LATE_MS, () => take(invocation));
        return { kind: 'unknown', failure: LOST };
      default: {
        const { invocationId } = take(invocation);
        return { kind: 'sent', invocationId, requestId: 'request' };
      }
    }
  };

  /** An answer that takes too long is no answer to a client with a time-out. */
  const withPatience = async (
    process: Process,
    fault: Fault | undefined,
    work: () => Promise<InvokeOutcome>,
  ): Promise<InvokeOutcome> => {
    const outcome = await work();
    if (fault?.kind !== 'slow' || fault.ms < TIMEOUT_MS) return outcome;
    sim.trace(`      ${process.name} gives up waiting`);
    return { kind: 'unknown', failure: LOST };
  };

  return {
    providerOf,
    executions: (): Execution[] => taken.flatMap(({ executions }) => executions),
    /** Whether anything still runs, or may arrive. */
    isBusy: (): boolean =>
      taken.some(({ executions }) => executions.some(({ endsAtMs }) => endsAtMs > sim.now())),
  };
}

const LOST: ProviderFailure = {
  code: 'Timeout',
  message: 'No answer came.',
  advice: 'Look at the cloud.',
  isRetryable: true,
};
const THROTTLED: ProviderFailure = { ...LOST, code: 'RequestLimitExceeded', retryAfterMs: 1_000 };

/** Of the calls that only read, or may be repeated. */
function failureOf(fault: Fault | undefined): ProviderFailure | undefined {
  switch (kindOf(fault)) {
    case 'lostBefore':
    case 'lostAfter':
    case 'slow':
      return LOST;
    case 'error':
      return { ...LOST, code: 'InternalError' };
    case 'throttled':
      return THROTTLED;
    default:
      return undefined;
  }
}

function toError({ code, message, retryAfterMs }: ProviderFailure): FleetReflexError {
  return new FleetReflexError('provider.unavailable', `${code}: ${message}`, {
    disposition: 'retry',
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

function looksOf({ target: { command, instances, parameters } }: Invocation): string {
  return JSON.stringify([command, [...instances].sort(), parameters]);
}
