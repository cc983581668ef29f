/** Asks the provider to stop what a cancelled run was sent. */
import { FleetReflexError } from '../errors.ts';
import type { Log } from '../logging.ts';
import { type Run, sentInvocations } from '../model/run.ts';
import { type Providers, providerOf } from '../providers/provider.ts';
import { cancelledInstances } from './cancel-part.ts';

/** Whether it, or a part of it, was cancelled. */
export function isToBeStopped(run: Pick<Run, 'cancelRequestedAt' | 'cancelledInstances'>): boolean {
  return run.cancelRequestedAt !== undefined || run.cancelledInstances !== undefined;
}

/**
 * Stops all of it, or the cancelled instances. Safe to call again.
 * @throws FleetReflexError `cancel.unanswered` (retry): the provider could not be asked
 */
export async function stopSent(
  run: Run,
  { providers, log }: { providers: Providers; log: Log },
): Promise<void> {
  const { target } = run;
  if (target === undefined || !isToBeStopped(run)) return;
  const gone = cancelledInstances(run);
  for (const { invocationId, instances } of sentInvocations(run)) {
    const meant = run.cancelRequestedAt === undefined ? instances.filter((id) => gone.has(id)) : instances;
    if (meant.length === 0) continue;
    const ref = { region: target.region, invocationId };
    const isWhole = meant.length === instances.length;
    const outcome = await providerOf(providers, target.provider).cancel(ref, ...(isWhole ? [] : [meant]));
    if (outcome.kind === 'requested') continue;
    const { code, message, isRetryable, retryAfterMs } = outcome.failure;
    // What the provider refuses for good (it has ended already) is answered by its own report.
    log.warn('run.cancel-unanswered', { runId: run.runId, invocationId, code, error: message, isRetryable });
    if (!isRetryable) continue;
    throw new FleetReflexError(
      'cancel.unanswered',
      `${target.provider} could not be asked to stop ${invocationId} (${code}: ${message}). It may still be running.`,
      {
        disposition: 'retry',
        details: { invocationId, code },
        ...(retryAfterMs !== undefined && { retryAfterMs }),
      },
    );
  }
}
