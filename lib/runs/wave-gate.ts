/**
 * The gate between two waves: what is known of the tasks so far decides whether the next wave may come. It is asked
 * with every report, in memory; what it decides is stored in the write that stores the report.
 */
import { after } from '../model/after.ts';
import { cancelledInstances, isOpen, type Run, type RunTask, timerOf } from '../model/run.ts';
import { hasLaterWave, isCalledOff, openInvocations, wavesOf, withoutLater } from '../model/run-waves.ts';
import { isTerminalTask } from '../model/status.ts';
import { whatHappened } from './run-reason.ts';

/** The run with what the gate says of it; the same run where it says nothing new. */
export function askGate(run: Run, now: Date): Run {
  const { waves } = run;
  if (waves === undefined) return run;
  if (isCalledOff(run)) return withoutLater(run);
  const isAtWork = run.invocations.some(isOpen);
  const isRunning = openInvocations(run).length > 0;
  const isLater = hasLaterWave(run);
  const failed = failuresOf(run);
  if (failed.length >= waves.stopAfterFailures) {
    // With nothing left to keep from starting, or to stop, it ends as its tasks say.
    const isStop = isLater || isAtWork || (isRunning && waves.onStop === 'cancel');
    return isStop ? stopWaves(run, `${failed.length} failed: ${named(failed)}`, now) : run;
  }
  const isDone = run.status !== 'dispatching' && !isAtWork && !isRunning;
  return isLater && isDone && waves.nextAt === undefined ? paused(run, now) : run;
}

/**
 * Nothing more of the run is started.
 * @param because what happened in the wave that has begun last
 * @param code of the run's reason. Default: `wave.stopped`
 */
export function stopWaves(run: Run, because: string, now: Date, code?: string): Run {
  const { waves } = run;
  if (waves === undefined || waves.stop !== undefined) return run;
  const index = waves.begun - 1;
  const message = `wave ${index + 1} of ${wavesOf(run).length} stopped it (${because})`;
  const stop = { index, at: now.toISOString(), message, ...(code !== undefined && { code }) };
  return withoutLater({ ...run, waves: { ...waves, stop } });
}

function paused(run: Run, now: Date): Run {
  const { waves } = run;
  if (waves === undefined) return run;
  const next = after(now, waves.pauseMs);
  const nextAt = next.toISOString();
  const { begun, withinMs } = waves;
  const message = `Wave ${begun} of ${wavesOf(run).length} is done; the next one begins at ${nextAt}.`;
  return {
    ...run,
    waves: { ...waves, nextAt },
    waitingFor: { code: 'wave.pause', message, until: nextAt },
    pollAt: nextAt,
    // The deadline is for one wave: a rollout may last longer than its first send may be late.
    deadline: after(next, timerOf(run)?.deadlineMs ?? withinMs).toISOString(),
  };
}

/** What did not succeed, without what a person cancelled, and what the rule leaves out. */
function failuresOf(run: Run): RunTask[] {
  const meant = new Set([...cancelledInstances(run), ...(run.skipped ?? [])]);
  return run.tasks.filter(
    ({ status, instanceId }) => isTerminalTask(status) && status !== 'succeeded' && !meant.has(instanceId),
  );
}

const MAX_NAMED = 5;

function named(failed: readonly RunTask[]): string {
  const shown = failed.slice(0, MAX_NAMED).map((task) => `${task.instanceId} ${whatHappened(task)}`);
  const more = failed.length - shown.length;
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ');
}
