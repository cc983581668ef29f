/**
 * Cancelling: by a rule (a resolved alert, a chat command) or by a person. A run that is not sent yet is not sent any
 * more; one that is sent is asked to stop, and ends as what the provider then reports.
 */
import { guardKey } from '../guards/guards.ts';
import type { Provider, ProviderName } from '../providers/provider.ts';
import { cancelledInstances, tellDropped, withCancelled } from './cancel-part.ts';
import { isAwaitingSchedule, isTerminalRun, type Run, timerOf } from './run.ts';
import type { RunId, RunRequest } from './run-request.ts';
import { change, type SettleContext } from './settle.ts';
import { stopSent } from './stop-sent.ts';
import { RETENTION_DAYS } from './table.ts';

export interface CancelContext extends SettleContext {
  providers: Readonly<Record<ProviderName, Provider>>;
  wake: (at: Date) => Promise<void>;
}

export type CancelRequest = Extract<RunRequest, { action: 'cancel' }>;

/** How long a cancel stops a run that was asked for before it and comes after it: queues keep no order. */
const TOMBSTONE_MS = 24 * 60 * 60_000;

/** As long as a run's id is known, a cancel's is. */
const REMEMBERED_MS = RETENTION_DAYS * 24 * 60 * 60_000;

/**
 * Carries out a `cancel` request. Only runs that were asked for before it are meant, so that the same request
 * delivered again, by its sender or by whoever has captured it, stops nothing new.
 * @throws FleetReflexError `cancel.unanswered` (retry): a provider could not be asked
 */
export async function cancelRuns(
  asked: CancelRequest,
  context: CancelContext,
): Promise<{ cancelled: RunId[] }> {
  const { store, log } = context;
  const request = asked.targetRunId === undefined ? await asFirstAsked(asked, context) : asked;
  const by = request.by ?? `${request.trigger.source} ${request.trigger.type} (${request.rule})`;
  if (request.targetRunId !== undefined) {
    const outcome = await cancelRun(request.targetRunId, by, context, request.instances);
    if (outcome.kind === 'unknown' || outcome.kind === 'waiting') {
      log.warn('cancel.refused', { runId: request.targetRunId, by, because: outcome.kind });
    }
    return { cancelled: outcome.kind === 'requested' ? [request.targetRunId] : [] };
  }
  if (request.targetRule === undefined) return { cancelled: [] };
  await leaveTombstone(request, request.targetRule, context);
  const cancelled: RunId[] = [];
  for (const runId of await liveRuns(request.targetRule, context)) {
    const run = await store.get(runId);
    if (run === undefined || isTerminalRun(run) || run.requestedAt > request.requestedAt) continue;
    if (request.key !== undefined && guardKey(run) !== request.key) continue;
    await stop(run, by, context);
    cancelled.push(runId);
  }
  log.info('cancel.done', { rule: request.rule, targetRule: request.targetRule, cancelled });
  return { cancelled };
}

/** The index of live runs lags behind the table; the agenda of those that wait for their time does not. */
async function liveRuns(rule: string, { store, guards }: CancelContext): Promise<Set<RunId>> {
  const [live, { appointments }] = await Promise.all([store.live(rule), guards.agenda(rule)]);
  return new Set([...live, ...appointments.map(({ runId }) => runId)]);
}

export type CancelResult =
  | { kind: 'requested'; run: Run }
  | { kind: 'ended'; run: Run }
  /** The run has not these instances; nothing was changed. */
  | { kind: 'unknown'; run: Run; instances: string[] }
  /** It is a schedule that recurs, or the provider fires: it has no part that could be cancelled. */
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
  if (isTerminalRun(run)) return { kind: 'ended', run };
  const unknown = instances?.filter((instanceId) => !run.instances.includes(instanceId)) ?? [];
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
  return run.instances.some((instanceId) => !gone.has(instanceId));
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
  await tellDropped(marked, store);
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

/** The request as of when it was asked for first: the doors date the same delivery anew each time that it comes. */
async function asFirstAsked(
  request: CancelRequest,
  { guards, now }: Pick<CancelContext, 'guards' | 'now'>,
): Promise<CancelRequest> {
  const { rule, runId, requestedAt } = request;
  const at = new Date(requestedAt);
  const first = await guards.claimant('cancel-asked', rule, runId, now());
  if (first !== undefined && first.at <= at) return { ...request, requestedAt: first.at.toISOString() };
  // Before anything is stopped: should this process end now, the next one means the same runs.
  await guards.mark('cancel-asked', rule, runId, runId, at, new Date(now().getTime() + REMEMBERED_MS));
  return request;
}

async function leaveTombstone(
  { rule, runId, key, requestedAt }: CancelRequest,
  targetRule: string,
  { guards, now }: CancelContext,
): Promise<void> {
  const at = new Date(requestedAt);
  const stored = await guards.claimant('cancel', targetRule, key ?? '', now());
  // A repeated old request must not replace what a newer one said.
  if (stored !== undefined && stored.at >= at) return;
  const until = new Date(now().getTime() + TOMBSTONE_MS);
  await guards.mark('cancel', targetRule, key ?? '', `the rule ${rule} (${runId})`, at, until);
}
