/**
 * One attempt at a time among invocations that look the same to the provider. If an answer of a cloud without client tokens
 * is lost, we must search for the invocation, and the search cannot distinguish two runs of the same command on the same
 * instances. So an attempt is marked in its run, then takes the lease of its looks, and only then is sent; while it is open,
 * no other run gets that lease. A new invocation in the search result is then ours.
 * docs/decisions/2026-11-21-twin-lease.md lists the sequences of events that this must survive.
 */
import { createHash } from 'node:crypto';
import { FleetReflexError } from '../errors.ts';
import type { Reason } from '../model/completion-event.ts';
import { isTerminalStatus, type Run, type RunInvocation } from '../model/run.ts';
import { type Provider, providerOf } from '../providers/provider.ts';
import { holdingOf, type TwinLease } from '../store/twin-lease.ts';
import type { DispatchContext } from './dispatch-context.ts';
import { invocationOf } from './invocation.ts';

const RETRY_MS = 2_000;
/** Longer than any search looks back, clocks that differ included. */
const NOT_OURS_MS = 2 * 60_000;

/** Another run is in its attempt. */
export interface Held {
  kind: 'held';
  retryAfterMs: number;
  reason: Reason;
}

/** The lease as it was read, and the provider's earlier invocations that look the same. */
export interface Free {
  kind: 'free';
  key: string;
  read: TwinLease | undefined;
  notOurs: TwinLease['notOurs'];
}

/** The key of an invocation's looks; none if the provider has tokens. */
export function twinKey(run: Run, invocation: RunInvocation, provider: Provider): string | undefined {
  const { identity } = provider;
  if (identity.by === 'token' || run.target === undefined) return undefined;
  const looks = identity.of(invocationOf(run, run.target, invocation));
  return `${provider.name}#${createHash('sha256').update(looks).digest('hex')}`;
}

/**
 * Lets this process work at one invocation of these looks at a time, so that runs that come together go one after the
 * other without asking the table about each other.
 * @param untilMs when the queue shall do the waiting instead
 */
export async function inLine<Result>(
  key: string,
  runId: string,
  untilMs: number,
  { atWork, now }: Pick<DispatchContext, 'atWork' | 'now'>,
  work: () => Promise<Result>,
): Promise<Result | Held> {
  for (let before = atWork.get(key); before !== undefined; before = atWork.get(key)) {
    if (now().getTime() >= untilMs) return held(before.runId);
    await before.done;
  }
  const { promise: done, resolve } = Promise.withResolvers<void>();
  atWork.set(key, { runId, done });
  try {
    return await work();
  } finally {
    atWork.delete(key);
    resolve();
  }
}

/** Looks whether an attempt may begin. */
export async function lookForTwin(
  key: string,
  run: Run,
  invocation: RunInvocation,
  { providers, store, now }: Pick<DispatchContext, 'providers' | 'store' | 'now'>,
): Promise<Free | Held> {
  const read = await store.twin(key);
  const earlier = read?.notOurs.filter(({ at }) => at >= ago(now(), NOT_OURS_MS)) ?? [];
  const free = (...ids: string[]): Free => {
    const at = now().toISOString();
    const noted = ids.map((invocationId) => ({ invocationId, at }));
    return { kind: 'free', key, read, notOurs: [...earlier, ...noted] };
  };
  if (read === undefined || read.token === invocation.token) return free();
  const glimpse = read.runId === run.runId ? run : await store.glimpse(read.runId);
  if (glimpse === 'unreadable') return unreadable(read.runId);
  const holding = holdingOf(read, glimpse, isTerminalStatus);
  switch (holding.kind) {
    case 'open':
      return held(read.runId);
    case 'over':
      return holding.invocationId === undefined ? free() : free(holding.invocationId);
    case 'unresolved': {
      // Its invocation, if any, is visible at the provider by now, and is not ours.
      const { target } = run;
      if (target === undefined) return free();
      const since = new Date(read.attemptedAt);
      try {
        return free(
          ...(await providerOf(providers, target.provider).find(
            invocationOf(run, target, invocation),
            since,
          )),
        );
      } catch (thrown) {
        if (!isOfProvider(thrown)) throw thrown;
        return { ...held(read.runId), reason: { code: thrown.code, message: thrown.message } };
      }
    }
  }
}

/** So many leases are remembered; then all are forgotten. */
const MAX_LATELY = 1_000;

/** Remembers the lease of an attempt whose sending is stored. */
export function noteOwn(
  { key, read, notOurs }: Free,
  { runId, invocations }: Pick<Run, 'runId' | 'invocations'>,
  { token }: Pick<RunInvocation, 'token'>,
  { lately }: Pick<DispatchContext, 'lately'>,
): void {
  const sent = invocations.find((one) => one.token === token && one.state === 'sent');
  if (sent?.invocationId === undefined || sent.attemptedAt === undefined) return;
  if (lately.size >= MAX_LATELY) lately.clear();
  const lease = nextLease({ read, notOurs }, { runId, token, attemptedAt: sent.attemptedAt });
  lately.set(key, { lease, invocationId: sent.invocationId });
}

/** The expected state of the lease afterwards; if another process has taken it since, taking it fails. */
export function afterOwn(
  key: string,
  { lease, invocationId }: { lease: TwinLease; invocationId: string },
  { now }: Pick<DispatchContext, 'now'>,
): Free {
  const at = now();
  const earlier = lease.notOurs.filter((one) => one.at >= ago(at, NOT_OURS_MS));
  return { kind: 'free', key, read: lease, notOurs: [...earlier, { invocationId, at: at.toISOString() }] };
}

type Attempt = Pick<TwinLease, 'runId' | 'token' | 'attemptedAt'>;

function nextLease({ read, notOurs }: Pick<Free, 'read' | 'notOurs'>, attempt: Attempt): TwinLease {
  return { version: 1, revision: (read?.revision ?? 0) + 1, ...attempt, notOurs };
}

/**
 * Takes the lease for an attempt that is marked in its run already.
 * @returns false when another was faster: then nothing may be sent
 */
export async function takeTwin(
  { key, read, notOurs }: Free,
  { runId, token, attemptedAt }: Attempt,
  { store }: Pick<DispatchContext, 'store'>,
): Promise<boolean> {
  return await store.takeTwin(key, nextLease({ read, notOurs }, { runId, token, attemptedAt }), read);
}

/** Whether the lease was taken for this attempt: if it was not, nothing was sent. */
export function isTakenFor(
  lease: TwinLease | undefined,
  { token, attemptedAt }: Pick<RunInvocation, 'token' | 'attemptedAt'>,
): lease is TwinLease {
  return lease?.token === token && lease.attemptedAt === attemptedAt;
}

/** The run waits for another that is still in its attempt. */
export function held(runId: string): Held {
  return {
    kind: 'held',
    retryAfterMs: RETRY_MS,
    reason: {
      code: 'run.twin',
      message: `${runId} is sending the same command to the same instances, and what became of it is not known yet.`,
      advice: `It waits for that one, up to its deadline. If it stays so, look at ${runId}.`,
    },
  };
}

function unreadable(runId: string): Held {
  return {
    kind: 'held',
    retryAfterMs: RETRY_MS,
    reason: {
      code: 'run.twin',
      message: `${runId} sent the same command to the same instances, and its record is not of a version that this code knows.`,
      advice: 'Deploy the version that wrote it, or a newer one.',
    },
  };
}

function ago(now: Date, ms: number): string {
  return new Date(now.getTime() - ms).toISOString();
}

/** Whether an error is the provider's, and so may be temporary. */
export function isOfProvider(error: unknown): error is FleetReflexError {
  return error instanceof FleetReflexError && error.code.startsWith('provider.');
}
