/**
 * Cancelling: by a rule (a resolved alert, a chat command) or by a person. An unsent run is never sent; a sent run is
 * asked to stop, and ends in the state that the provider then reports.
 */
import { reaches } from '../model/episode.ts';
import { guardKey } from '../model/guard-key.ts';
import {
  type CancelOrder,
  cancelledInstances,
  instancesOf,
  isAwaitingSchedule,
  isTerminalRun,
  type Run,
  timerOf,
} from '../model/run.ts';
import type { RunId, RunRequest } from '../model/run-request.ts';
import type { Providers } from '../providers/provider.ts';
import { TOMBSTONE_MS } from '../store/tombstones.ts';
import { withCancelled } from './cancel-part.ts';
import { cancelRecord, endedCancel } from './cancel-record.ts';
import { change, type SettleContext } from './settle.ts';
import { stopSent } from './stop-sent.ts';

export interface CancelContext extends SettleContext {
  providers: Providers;
  wake: (at: Date) => Promise<void>;
}

export type CancelRequest = Extract<RunRequest, { action: 'cancel' }>;

/**
 * Carries out a `cancel` request, once. A repeated delivery finds the stored cancel, and only finishes it, for the runs
 * that were requested before the first delivery arrived.
 * @throws FleetReflexError `cancel.unanswered` (retry): a provider could not be asked
 */
export async function cancelRuns(
  request: CancelRequest,
  context: CancelContext & { leaseMs: number },
): Promise<{ cancelled: RunId[] }> {
  const { run } = await context.store.create(cancelRecord(request, context));
  const { cancel } = await finishCancel(run, context);
  return { cancelled: cancel?.stopped ?? [] };
}

/**
 * Continues a stored cancel: after a repeated message, or when the poller finds an unfinished one.
 * @throws FleetReflexError `cancel.unanswered` (retry)
 */
export async function finishCancel(record: Run, context: CancelContext): Promise<Run> {
  const { store, log, now } = context;
  const { runId, rule, cancel } = record;
  if (cancel === undefined || isTerminalRun(record)) {
    log.info('cancel.known', { runId, rule, status: record.status });
    return record;
  }
  const results = await Promise.allSettled(
    (await targetsOf(record, cancel, context)).map(async (target) => ({
      target,
      outcome: await stopIfMeant(target, record, cancel, context),
    })),
  );
  const failure = results.find((result) => result.status === 'rejected');
  // After a day without an answer, another attempt is pointless.
  if (failure !== undefined && now() < new Date(record.deadline)) throw failure.reason;
  const done = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const those = (wanted: Outcome) =>
    done.filter(({ outcome }) => outcome === wanted).map(({ target }) => target);
  const end = {
    isComplete: failure === undefined,
    stopped: those('stopped'),
    spared: those('spared'),
    refused: those('refused'),
  };
  log.info('cancel.done', { runId, rule, targetRule: cancel.targetRule, ...end });
  return await change(store, record, (current) =>
    isTerminalRun(current) ? undefined : endedCancel(current, end, now()),
  );
}

/** The runs that it may affect: the named one, or all live runs of the rule. */
async function targetsOf(
  record: Run,
  { targetRunId, targetRule, key, by }: CancelOrder,
  context: CancelContext,
): Promise<RunId[]> {
  if (targetRunId !== undefined) return [targetRunId];
  if (targetRule === undefined) return [];
  const { guards, now } = context;
  const until = new Date(now().getTime() + TOMBSTONE_MS);
  // First the tombstone: runs that are sent from now on see it, earlier ones are in the list.
  await guards.leaveTombstone({ rule: targetRule, key }, { ...record, by }, until);
  return [...(await liveRuns(targetRule, context))];
}

/**
 * - `spared`: a live run of the rule and the key, which the cancel does not affect
 * - `refused`: it does not have the instances that the cancel names, or no part that could be stopped
 */
type Outcome = 'stopped' | 'spared' | 'refused' | 'ended' | 'other';

async function stopIfMeant(
  target: RunId,
  record: Run,
  { targetRunId, instances, key, by }: CancelOrder,
  context: CancelContext,
): Promise<Outcome> {
  const run = await context.store.get(target);
  if (run === undefined || isTerminalRun(run)) return 'ended';
  // A cancel cannot be cancelled.
  if (run.cancel !== undefined || (key !== undefined && guardKey(run) !== key)) return 'other';
  if (targetRunId === undefined && !reaches(record, run)) return 'spared';
  const { kind } = await cancelRun(target, by, context, instances);
  switch (kind) {
    case 'requested':
      return 'stopped';
    case 'unknown':
    case 'waiting':
      return 'refused';
    case 'ended':
    case 'missing':
      return 'ended';
  }
}

/** The index of live runs lags behind the table; the agenda of scheduled runs does not. */
async function liveRuns(rule: string, { store, guards }: CancelContext): Promise<Set<RunId>> {
  const [live, { appointments }] = await Promise.all([store.live(rule), guards.agenda(rule)]);
  return new Set([...live, ...appointments.map(({ runId }) => runId)]);
}

export type CancelResult =
  | { kind: 'requested'; run: Run }
  | { kind: 'ended'; run: Run }
  /** The run does not have these instances; nothing was changed. */
  | { kind: 'unknown'; run: Run; instances: string[] }
  /** A recurring schedule, or one that the provider fires, cannot be cancelled in part. */
  | { kind: 'waiting'; run: Run }
  | { kind: 'missing' };

/**
 * Cancels one run for a person.
 * @param instances only on these; all of them, with those of earlier cancels, are the whole run. Default: the whole run
 * @throws FleetReflexError `cancel.unanswered` (retry)
 */
export async function cancelRun(
  runId: RunId,
  by: string,
  context: CancelContext,
  instances?: readonly string[],
): Promise<CancelResult> {
  const run = await context.store.get(runId);
  if (run === undefined) return { kind: 'missing' };
  if (isTerminalRun(run) || run.cancel !== undefined) return { kind: 'ended', run };
  const unknown = instances?.filter((instanceId) => !instancesOf(run).includes(instanceId)) ?? [];
  if (unknown.length > 0) return { kind: 'unknown', run, instances: unknown };
  if (instances !== undefined && isAwaitingSchedule(run)) {
    const isOurs = timerOf(run) !== undefined && run.schedule?.recurrence === undefined;
    if (!isOurs) return { kind: 'waiting', run };
  }
  const stopped = isPart(run, instances)
    ? await stopPart(run, instances, by, context)
    : await stop(run, by, context);
  const isAsked = stopped.cancelRequestedAt !== undefined || stopped.cancelledInstances !== undefined;
  return isTerminalRun(stopped) && !isAsked
    ? { kind: 'ended', run: stopped }
    : { kind: 'requested', run: stopped };
}

function isPart(run: Run, instances: readonly string[] | undefined): instances is readonly string[] {
  if (instances === undefined) return false;
  const gone = new Set([...cancelledInstances(run), ...instances]);
  return instancesOf(run).some((instanceId) => !gone.has(instanceId));
}

async function stopPart(
  run: Run,
  instances: readonly string[],
  by: string,
  context: CancelContext,
): Promise<Run> {
  const { store, now, log, wake } = context;
  const marked = await change(store, run, (current) => {
    if (isTerminalRun(current) || current.cancelRequestedAt !== undefined) return undefined;
    const at = now().toISOString();
    const next = withCancelled(current, instances, by, at);
    return next === current ? undefined : { ...next, pollAt: lookAt(current, at) };
  });
  if (isTerminalRun(marked)) return marked;
  log.info('run.part-cancelled', { runId: run.runId, by, instances });
  await stopSent(marked, context);
  if (!isAwaitingSchedule(marked)) await wake(new Date(marked.pollAt ?? now().toISOString()));
  return marked;
}

/** While a dispatch is at work on it, that one sees the mark; else the poller looks at once. */
function lookAt(run: Run, at: string): string {
  if (isAwaitingSchedule(run)) return run.pollAt ?? at;
  const isHeld = run.status === 'dispatching' && (run.leaseUntil ?? '') > at;
  return isHeld ? (run.leaseUntil ?? at) : at;
}

async function stop(run: Run, by: string, context: CancelContext): Promise<Run> {
  const { store, now, log } = context;
  const marked = await change(store, run, (current) => {
    if (isTerminalRun(current) || current.cancelRequestedAt !== undefined) return undefined;
    const at = now().toISOString();
    const isHeld = current.status === 'dispatching' && (current.leaseUntil ?? '') > at;
    return {
      ...current,
      cancelRequestedAt: at,
      cancelledBy: by,
      // While a dispatch is at work on it, that one sees the mark; else the poller looks at once.
      pollAt: isHeld ? (current.leaseUntil ?? at) : at,
    };
  });
  if (isTerminalRun(marked)) return marked;
  log.info('run.cancel-requested', { runId: run.runId, by });
  await stopSent(marked, context);
  await context.wake(new Date(marked.pollAt ?? now().toISOString()));
  return marked;
}
