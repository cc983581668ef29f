/** Asks the provider to stop what a cancelled run was sent. */
import { FleetReflexError } from '../errors.ts';
import type { Log } from '../logging.ts';
import { cancelledInstances, type Run } from '../model/run.ts';
import { openInvocations } from '../model/run-waves.ts';
import { type Providers, providerOf } from '../providers/provider.ts';

/** Whether it, or a part of it, was cancelled, or one of its waves stopped it. */
export function isToBeStopped(run: Pick<Run, 'cancelRequestedAt' | 'cancelledInstances' | 'waves'>): boolean {
  return isWholeStopped(run) || run.cancelledInstances !== undefined;
}

function isWholeStopped({ cancelRequestedAt, waves }: Pick<Run, 'cancelRequestedAt' | 'waves'>): boolean {
  return cancelRequestedAt !== undefined || (waves?.stop !== undefined && waves.onStop === 'cancel');
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
  for (const { invocationId, instances } of openInvocations(run)) {
    const meant = isWholeStopped(run) ? instances : instances.filter((id) => gone.has(id));
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
