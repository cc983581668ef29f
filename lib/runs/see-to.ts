/**
 * The poller's work on a due run, apart from polling: it takes over from a dead dispatch, publishes an unreported end, and
 * fires scheduled runs of our table.
 */
import { isAwaitingSchedule, isTerminalRun, type Run, timerOf } from '../model/run.ts';
import { finishCancel } from './cancel.ts';
import { resume } from './dispatch.ts';
import type { DispatchContext } from './dispatch-context.ts';
import { comeBack, fireHere } from './fire-here.ts';
import { seeToWaves } from './next-wave.ts';
import { change, deliverOne } from './settle.ts';

/** For schedules that the provider fires, see `tendSchedules`. */
const MINUTE_MS = 60_000;

export type SeenTo = 'told' | 'waits' | 'rescued';

/** Safe to call again at any point. */
export async function seeTo(run: Run, context: DispatchContext): Promise<SeenTo> {
  if (isAwaitingSchedule(run)) {
    if (timerOf(run) === undefined) await lookLater(run, context, MINUTE_MS);
    else await fireHere(run, context);
    return 'waits';
  }
  if (isTerminalRun(run)) {
    await deliverOne(run, context);
    return 'told';
  }
  if (run.waves !== undefined && run.status !== 'dispatching') {
    await seeToWaves(run, context);
    return 'waits';
  }
  if (run.cancel !== undefined) await finishCancel(run, context);
  else await rescue(run, context);
  return 'rescued';
}

async function rescue(run: Run, context: DispatchContext): Promise<void> {
  const result = await resume(run, context);
  if (result.kind !== 'retry') return;
  const { run: after, retryAfterMs } = result;
  if (timerOf(after) !== undefined) await comeBack(after, retryAfterMs, context);
  // Another attempt is working on it: look again when its lease has expired.
  else if (after.pollAt === run.pollAt) await lookLater(after, context, retryAfterMs);
}

/** Tries it again after a while. */
export async function lookLater(
  run: Run,
  { store, now }: Pick<DispatchContext, 'store' | 'now'>,
  ms: number,
): Promise<void> {
  const pollAt = new Date(now().getTime() + ms).toISOString();
  await change(store, run, (current) => (isTerminalRun(current) ? undefined : { ...current, pollAt }));
}
