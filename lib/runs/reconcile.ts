/**
 * Resolves an attempt whose answer was lost. One invocation that can only be ours: adopt it. None, after the provider has
 * had time to show it: it was never sent. More than one: the run is uncertain, and a person decides.
 */

import type { FleetReflexError } from '../errors.ts';
import type { Reason } from '../model/completion-event.ts';
import type { Run, RunInvocation } from '../model/run.ts';
import { type ProviderFailure, providerOf } from '../providers/provider.ts';
import type { DispatchContext } from './dispatch-context.ts';
import { invocationOf } from './invocation.ts';
import { isOfProvider, isTakenFor, lookForTwin, twinKey } from './twin.ts';
import type { Hindrance } from './waiting.ts';

export type Reconciliation =
  | { kind: 'adopted'; invocationId: string }
  | { kind: 'none' }
  /** The provider may not show it yet, or could not be asked. */
  | ({ kind: 'tooEarly' } & Hindrance)
  | { kind: 'ambiguous'; reason: Reason };

type ReconcileContext = Pick<
  DispatchContext,
  'providers' | 'store' | 'circuits' | 'now' | 'reconcileSettleMs' | 'timing'
>;

const UNREAD_RETRY_MS = 5_000;
/** What a search throws where the cloud failed inside, or did not answer. */
const OUTAGE = 'provider.maybeDone';

export async function reconcile(
  run: Run,
  invocation: RunInvocation,
  context: ReconcileContext,
): Promise<Reconciliation> {
  const { providers, now, reconcileSettleMs } = context;
  const { target } = run;
  if (target === undefined || invocation.attemptedAt === undefined) return { kind: 'none' };
  const away = await context.circuits.enter(target, run.runId);
  if (away !== undefined) return unread(run, { ...away.reason, retryAfterMs: away.retryAfterMs }, context);
  let candidates: string[];
  try {
    const others = await notOursOf(run, invocation, context);
    if (others.kind !== 'known') return others;
    const since = new Date(invocation.attemptedAt);
    const found = await providerOf(providers, target.provider).find(
      invocationOf(run, target, invocation),
      since,
    );
    candidates = found.filter((invocationId) => !others.ids.has(invocationId));
  } catch (thrown) {
    if (!isOfProvider(thrown)) throw thrown;
    if (thrown.code === OUTAGE) await context.circuits.note(target, run.runId, failureOf(thrown));
    return unread(run, thrown, context);
  }
  const [only, ...more] = candidates;
  if (only !== undefined && more.length > 0) {
    return uncertain(`The answer to the call was lost, and ${candidates.join(', ')} could all be this run.`);
  }
  if (only !== undefined) return { kind: 'adopted', invocationId: only };
  // A request may arrive as long as the call is open: the settling time begins at its end.
  const openUntil = Date.parse(invocation.unansweredAt ?? invocation.attemptedAt);
  const settledInMs = openUntil + reconcileSettleMs - now().getTime();
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

function failureOf({ code, message }: FleetReflexError): ProviderFailure {
  return { code, message, advice: '', isRetryable: true, isOutage: true };
}

/** The invocations that look the same and are known to be of other runs. */
async function notOursOf(
  run: Run,
  invocation: RunInvocation,
  context: ReconcileContext,
): Promise<{ kind: 'known'; ids: ReadonlySet<string> } | Exclude<Reconciliation, { kind: 'adopted' }>> {
  const { providers, store } = context;
  const provider = run.target && providerOf(providers, run.target.provider);
  if (provider === undefined || provider.identity.by === 'token') return { kind: 'known', ids: new Set() };
  if (invocation.twin !== undefined) {
    const lease = await store.twin(invocation.twin);
    // The attempt was marked, and ended before it had its lease: nothing was sent.
    if (!isTakenFor(lease, invocation)) return { kind: 'none' };
    return { kind: 'known', ids: new Set(lease.notOurs.map(({ invocationId }) => invocationId)) };
  }
  // An attempt of a version that knew no leases: it was sent without one.
  const key = twinKey(run, invocation, provider) ?? '';
  const look = await lookForTwin(key, run, invocation, context);
  if (look.kind === 'held') return { ...look, kind: 'tooEarly' };
  return { kind: 'known', ids: new Set(look.notOurs.map(({ invocationId }) => invocationId)) };
}

/** The provider cannot answer: retry for a limited time, because a run must end to be reported. */
function unread(
  run: Run,
  error: { code: string; message: string; retryAfterMs?: number | undefined },
  context: ReconcileContext,
): Reconciliation {
  const { now, timing } = context;
  if (now().getTime() >= Date.parse(run.deadline) + timing.graceMs) {
    return uncertain(
      `The answer to the call was lost, and what became of it cannot be found out: ${error.message}`,
    );
  }
  return {
    kind: 'tooEarly',
    retryAfterMs: error.retryAfterMs ?? UNREAD_RETRY_MS,
    reason: {
      code: error.code,
      message: `The answer to the call was lost, and the provider cannot be asked now: ${error.message}`,
    },
  };
}

function uncertain(message: string): Reconciliation {
  return {
    kind: 'ambiguous',
    reason: {
      code: 'run.uncertain',
      message,
      advice: 'Look at the invocations of the command at the provider before anything is run again.',
    },
  };
}
