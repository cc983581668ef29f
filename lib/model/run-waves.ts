/** Questions about a run in waves, and what of it will never be sent. A run without waves is one wave. */
import * as z from 'zod';
import { instancesOf, nextToken, type Run, type RunInvocation, sentInvocations } from './run.ts';
import { ownTask, taskKey, withTasks } from './run-tasks.ts';
import { AggregateStatus, aggregateStatus, isTerminalTask } from './status.ts';
import { cutIntoWaves } from './waves.ts';

/** The instances of each wave; none for a run without waves. */
export function wavesOf(run: Pick<Run, 'target' | 'waves'>): string[][] {
  return run.waves === undefined ? [] : cutIntoWaves(instancesOf(run), run.waves.sizes);
}

/** On how many instances it runs at the same time: all of them, or its largest wave. */
export function mostAtOnce(run: Pick<Run, 'target' | 'waves'>): number {
  if (run.waves === undefined) return instancesOf(run).length;
  return Math.max(...wavesOf(run).map(({ length }) => length));
}

/** Whether there are waves that have not begun, and are still to come. */
export function hasLaterWave(run: Pick<Run, 'target' | 'waves'>): boolean {
  return run.waves !== undefined && run.waves.begun < wavesOf(run).length;
}

/** Whether the poller, and no message of the queue, brings it back: a wave after the first is under way. */
export function isPastFirstWave({ waves }: Pick<Run, 'waves'>): boolean {
  return waves !== undefined && waves.begun > 1;
}

/** Whether nothing more of it may be started: it was cancelled, or a wave stopped it. */
export function isCalledOff({ cancelRequestedAt, waves }: Pick<Run, 'cancelRequestedAt' | 'waves'>): boolean {
  return cancelRequestedAt !== undefined || waves?.stop !== undefined;
}

/** Of a wave that has not begun: its instances without those that were cancelled by name. */
export function instancesOfWave(run: Run, index: number): string[] {
  const known = new Set(run.invocations.flatMap(({ instances }) => instances));
  return (wavesOf(run)[index] ?? []).filter((instanceId) => !known.has(instanceId));
}

/** What is at the provider and has not ended. */
export function openInvocations(run: Run): ReturnType<typeof sentInvocations> {
  const ended = new Set(run.tasks.filter(({ status }) => isTerminalTask(status)).map(taskKey));
  return sentInvocations(run).filter(({ invocationId, instances }) =>
    instances.some((instanceId) => !ended.has(taskKey({ invocationId, instanceId }))),
  );
}

/** When what was sent last of it was sent: the time-out counts from then. */
export function lastSentAt(run: Run): string | undefined {
  if (run.waves === undefined) return run.startedAt;
  return sentInvocations(run).reduce(
    (latest: string | undefined, { attemptedAt }) =>
      attemptedAt !== undefined && attemptedAt > (latest ?? '') ? attemptedAt : latest,
    run.startedAt,
  );
}

/**
 * Takes instances out of the waves to come: they will never be sent to.
 * @param isMeant by default all of them; then no wave is to come
 */
export function withoutLater(run: Run, isMeant?: (instanceId: string) => boolean): Run {
  if (run.waves === undefined || !hasLaterWave(run)) return run;
  const count = wavesOf(run).length;
  const invocations = [...run.invocations];
  for (let wave = run.waves.begun; wave < count; wave += 1) {
    const instances = instancesOfWave(run, wave).filter(isMeant ?? (() => true));
    if (instances.length === 0) continue;
    const token = nextToken(
      run.runId,
      invocations.map((invocation) => invocation.token),
    );
    invocations.push({ token, wave, instances, state: 'dropped' });
  }
  if (isMeant !== undefined)
    return invocations.length === run.invocations.length ? run : { ...run, invocations };
  const waves = { ...run.waves, begun: count, nextAt: undefined };
  return { ...run, invocations, waves, waitingFor: undefined };
}

/** At its end: each instance that was never sent to gets a task that says so. */
export function withNeverStarted(run: Run): Run {
  const isBegun = run.invocations.some(({ state }) => state === 'sent' || state === 'notSent');
  if (run.waves === undefined || !isBegun) return run;
  const { stop } = run.waves;
  const error = stop && { code: 'wave.stopped', message: `Never started: ${stop.message}.` };
  const dropped = ({ state }: RunInvocation) => state === 'dropped';
  const ended = withoutLater(run);
  const tasks = ended.invocations.filter(dropped).flatMap(({ token, instances }) =>
    instances.map((instanceId) =>
      ownTask({
        invocationId: token,
        taskId: `${token}/${instanceId}`,
        instanceId,
        status: 'cancelled',
        providerStatus: 'never sent',
        error,
      }),
    ),
  );
  return withTasks(ended, tasks);
}

/** A wave as people see it. */
export const WaveView = z.object({
  /** From 0 on. */
  index: z.int(),
  instances: z.array(z.string()),
  /** `planned`: nothing of it was sent; `stopped`: nothing of it will be, or it was stopped. */
  state: z.enum(['planned', ...AggregateStatus.exclude(['pending', 'scheduled']).options]),
});
export type WaveView = z.infer<typeof WaveView>;

/** @returns undefined for a run without waves */
export function describeWaves(run: Run): WaveView[] | undefined {
  if (run.waves === undefined) return undefined;
  const statusOf = new Map(run.tasks.map((task) => [taskKey(task), task.status]));
  return wavesOf(run).map((instances, index) => {
    const own = run.invocations.filter(({ wave = 0 }) => wave === index);
    const isUnsent = own.every(({ state }) => state === 'planned');
    if (isUnsent) return { index, instances, state: isOver(run) ? 'stopped' : 'planned' };
    const statuses = own.flatMap(({ state, token, invocationId = token, instances: those }) =>
      those.map((instanceId) => {
        if (state === 'dropped') return 'cancelled' as const;
        return statusOf.get(taskKey({ invocationId, instanceId })) ?? 'running';
      }),
    );
    const state = aggregateStatus(statuses);
    return { index, instances, state: state === 'pending' || state === 'scheduled' ? 'running' : state };
  });
}

function isOver({ endedAt }: Run): boolean {
  return endedAt !== undefined;
}
