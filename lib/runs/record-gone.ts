/**
 * The cloud has answered, and does not know an invocation that it has taken: its record was deleted, or kept for too short a
 * time. What becomes of it can be found out by nobody any more.
 */
import { isTerminalRun, type Run } from '../model/run.ts';
import { lastSentAt, openInvocations } from '../model/run-waves.ts';
import type { InvocationReading } from '../providers/provider.ts';
import { giveUp } from './give-up.ts';
import type { SettleContext } from './settle.ts';

/**
 * How long a cloud may show nothing of what it has taken. No vendor documents how late a record may be listed; both show
 * it within seconds, and a run is not ended for an index that is behind.
 */
const GONE_AFTER_MS = 5 * 60_000;
/** What was sent lately may not be listed yet: that is not worth a write. */
const NEW_MS = 60_000;

/** @returns the same run where nothing changed: only the beginning and the end of a gap are stored */
export function noteMissing(run: Run, readings: ReadonlyMap<string, InvocationReading>, now: Date): Run {
  const sentAt = lastSentAt(run);
  if (isTerminalRun(run) || sentAt === undefined || now.getTime() < Date.parse(sentAt) + NEW_MS) return run;
  const open = openInvocations(run);
  const isMissing =
    open.length > 0 && open.every(({ invocationId }) => readings.get(invocationId)?.kind === 'missing');
  if (isMissing) return run.missingSince === undefined ? { ...run, missingSince: now.toISOString() } : run;
  // A cloud that could not be asked says nothing of it.
  const isSeen = open.some(({ invocationId }) => readings.get(invocationId)?.kind === 'read');
  if (run.missingSince === undefined || !isSeen) return run;
  const { missingSince: _, ...seen } = run;
  return seen;
}

/** When it ends for that. */
export function isGone({ missingSince }: Pick<Run, 'missingSince'>, now: Date): boolean {
  return missingSince !== undefined && now.getTime() >= Date.parse(missingSince) + GONE_AFTER_MS;
}

/** Ends it as `unknown`. @returns the stored run */
export async function endGone(run: Run, context: SettleContext): Promise<Run> {
  const ids = openInvocations(run).map(({ invocationId }) => invocationId);
  const provider = run.target?.provider ?? 'The cloud';
  context.log.error('run.record-gone', { runId: run.runId, invocationIds: ids, since: run.missingSince });
  return await giveUp(run, context, {
    code: 'provider.record-gone',
    message: `${provider} took ${ids.join(', ')}, and since ${run.missingSince ?? 'then'} has no record of it: what became of it cannot be read any more.`,
    advice: `Look on the instances themselves before it is run again, and in the cloud's audit log for who deleted the record.`,
    taskMessage: 'The cloud has no record of it any more.',
  });
}
