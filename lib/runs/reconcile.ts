/**
 * Finds out what became of an attempt whose answer was lost. One invocation that can only be ours: adopt it. None,
 * after the provider has had time to show it: it never happened. More than one: nobody guesses.
 */
import type { Reason } from '../completions/completion-event.ts';
import type { DispatchContext } from './dispatch-context.ts';
import { invocationOf } from './invocation.ts';
import type { Run, RunInvocation } from './run.ts';

export type Reconciliation =
  | { kind: 'adopted'; invocationId: string }
  | { kind: 'none' }
  /** The provider may not show it yet, or could not be asked. */
  | { kind: 'tooEarly'; retryAfterMs: number; reason: Reason }
  | { kind: 'ambiguous'; reason: Reason };

export async function reconcile(
  run: Run,
  invocation: RunInvocation,
  context: Pick<DispatchContext, 'providers' | 'store' | 'now' | 'reconcileSettleMs'>,
): Promise<Reconciliation> {
  const { providers, store, now, reconcileSettleMs } = context;
  if (run.provider === undefined || invocation.attemptedAt === undefined) return { kind: 'none' };
  const since = new Date(invocation.attemptedAt);
  const found = await providers[run.provider].find(invocationOf(run, invocation), since);
  const candidates: string[] = [];
  for (const invocationId of found) {
    const owner = await store.invocationOwner(run.provider, invocationId);
    if (owner === undefined || owner === run.runId) candidates.push(invocationId);
  }
  const [only, ...others] = candidates;
  if (only !== undefined && others.length > 0) {
    return {
      kind: 'ambiguous',
      reason: {
        code: 'run.uncertain',
        message: `The answer to the call was lost, and ${candidates.join(', ')} could all be this run.`,
        advice: `Look at these invocations at the provider before anything is run again.`,
      },
    };
  }
  if (only !== undefined) return { kind: 'adopted', invocationId: only };
  const settledInMs = since.getTime() + reconcileSettleMs - now().getTime();
  if (settledInMs <= 0) return { kind: 'none' };
  return {
    kind: 'tooEarly',
    retryAfterMs: settledInMs,
    reason: {
      code: 'run.unanswered',
      message: 'The answer to the call was lost, and the provider does not show the invocation yet.',
    },
  };
}
