/**
 * Push instead of polling: a provider says that an invocation has changed, and its run is looked at at once. The
 * facts still come from the provider's API, and only the poller settles, so that push and poll together tell once.
 */
import type { ProviderName } from '../model/provider-name.ts';
import { isTerminalRun } from '../model/run.ts';
import type { DispatchContext } from './dispatch-context.ts';
import { change } from './settle.ts';

/** `unknown`: the invocation is of no run of ours. */
export type News = 'woken' | 'unknown' | 'ended';

export async function noteNews(
  provider: ProviderName,
  invocationId: string,
  { store, now, wake }: Pick<DispatchContext, 'store' | 'now' | 'wake'>,
): Promise<News> {
  const runId = await store.invocationOwner(provider, invocationId);
  const run = runId === undefined ? undefined : await store.get(runId);
  if (run === undefined) return 'unknown';
  if (isTerminalRun(run)) return 'ended';
  const at = now();
  await change(store, run, (current) =>
    isTerminalRun(current) || current.status === 'dispatching' || (current.pollAt ?? '') <= at.toISOString()
      ? undefined
      : { ...current, pollAt: at.toISOString() },
  );
  await wake(at);
  return 'woken';
}
