/**
 * The guards between a matched rule and the fleet, in the order of docs/decisions/2026-11-21-guard-order.md: the first
 * guard that refuses stops the run, with its own reason. A refusal is a value; an exception means that it cannot be decided.
 */

import { isApproved } from '../model/approval.ts';
import type { Reason } from '../model/completion-event.ts';
import { reaches } from '../model/episode.ts';
import { guardKey } from '../model/guard-key.ts';
import { isOwnLine } from '../model/resume.ts';
import { instancesOf, type Run, timerOf } from '../model/run.ts';
import type { GuardStore } from '../store/guard-store.ts';
import type { LastLook } from '../store/last-look.ts';
import type { Tombstone } from '../store/tombstones.ts';
import { strike } from './agenda.ts';
import { ASK_ANEW } from './ask-anew.ts';
import { breaker, noteForBreaker } from './breaker.ts';
import { cooldown, releaseCooldown } from './cooldown.ts';
import { frozenBy } from './freeze.ts';
import {
  ADMITTED,
  type Admission,
  type Frozen,
  type Guard,
  type GuardContext,
  type Verdict,
} from './guard.ts';
import { inFlight, leaveFlight } from './in-flight.ts';
import { unlockInstances } from './lock.ts';
import { maxPerHour } from './max-per-hour.ts';
import { leaveShare, maxShare } from './max-share.ts';
import { restoreTimes, times } from './times.ts';

const freeze: Guard = async (run, { store, now }) =>
  unlessFrozen(await frozenBy(run.guards, await store.freeze(now), now), run, now);

/** For a run that has not been let in yet. */
function unlessFrozen(frozen: Frozen | undefined, { guards }: Run, now: Date): Admission {
  if (frozen === undefined) return ADMITTED;
  const { reason, until } = frozen;
  if (guards.freeze === 'wait') return { kind: 'wait', ...untilThawed(frozen, now) };
  const when = until === undefined ? 'When the freeze is over' : `After ${until.toISOString()}`;
  return refuse(reason.code, reason.message, `${when}, ask anew. ${ASK_ANEW}`);
}

/** Where nobody knows when a freeze ends. */
const FROZEN_RETRY_MS = 10_000;

/** When there may be room for a run that waits for the end of a freeze. */
export function untilThawed(
  { reason, until }: Frozen,
  now: Date,
): { retryAfterMs: number; reason: Reason; until: Date | undefined } {
  const leftMs = until === undefined ? FROZEN_RETRY_MS : Math.max(1, until.getTime() - now.getTime());
  const advice = 'It waits for the freeze to end, up to its deadline.';
  return { retryAfterMs: leftMs, reason: { ...reason, advice }, until };
}

/** Stops a run whose cancel overtook it (queues keep no order). */
export const cancelled: Guard = async (run, { store, now }) => {
  const { rule, trigger } = run;
  const left = await Promise.all(
    [...new Set([undefined, guardKey(run)])].map((key) => store.tombstones({ rule, key }, trigger, now)),
  );
  return unlessCancelled(left.flat(), run);
};

function unlessCancelled(left: readonly Tombstone[], run: Run): Admission {
  const cancel = left.find((tombstone) => reaches(tombstone, run));
  if (cancel === undefined) return ADMITTED;
  return refuse('guard.cancelled', `It was cancelled by ${cancel.by} before it was sent.`);
}

const dedupe: Guard = async (run, { store, now }) => {
  const { dedupe } = run.guards;
  if (dedupe === undefined) return ADMITTED;
  const until = new Date(now.getTime() + dedupe.windowMs);
  const claim = await store.claim('dedupe', run.rule, dedupe.key, run.runId, until, now);
  if (claim.isOurs || isOwnLine(run, claim.runId)) return ADMITTED;
  return double(dedupe.key, claim);
};

/**
 * Where events are counted (`times`), the claim is made by the one that runs: made before, events that come at once would
 * be taken for doubles of one that is only counted.
 */
const dedupeBefore: Guard = async (run, { store, now }) => {
  const { dedupe, times: limit } = run.guards;
  if (dedupe === undefined || limit === undefined) return ADMITTED;
  const claim = await store.claimant('dedupe', run.rule, dedupe.key, now);
  return claim === undefined || claim.runId === run.runId ? ADMITTED : double(dedupe.key, claim);
};

function double(key: string, { runId, until }: { runId: string; until: Date }): Admission {
  return refuse(
    'guard.dedupe',
    `The run ${runId} was started for the same key ${JSON.stringify(key)}; the window ends at ${until.toISOString()}.`,
  );
}

export const instanceLimit: Guard = async (run) => {
  const { maxInstances } = run.guards;
  const asked = instancesOf(run).length;
  if (maxInstances === undefined || asked <= maxInstances) return ADMITTED;
  return refuse(
    'guard.max-instances',
    `The event asks for ${asked} instances; the rule allows ${maxInstances} (maxInstances).`,
    'Check that the event is what you expect; raise the limit only if so many instances are meant.',
  );
};

/** A run that waits for a person takes part in nothing that follows: no place in flight, no trial of the breaker. */
const approval: Guarding = async (run) => (isApproved(run) ? ADMITTED : { kind: 'approval' });

type Guarding = (run: Run, context: GuardContext) => Promise<Verdict>;

// Freeze first, as designed; the instance limit needs no memory, so it goes before what claims.
const STANDING: readonly Guard[] = [freeze, cancelled];
const OWN: readonly Guarding[] = [
  instanceLimit,
  dedupeBefore,
  times,
  dedupe,
  cooldown,
  maxPerHour,
  maxShare,
  approval,
  inFlight,
  breaker,
];

/** Asks every guard in order. A run that is refused or waits holds no claim that would stop another. */
export async function admit(run: Run, context: GuardContext): Promise<Verdict> {
  const frozen = await freeze(run, context);
  if (frozen.kind === 'refused') return await concluded(frozen, run, context);
  // A run waits for the end of a freeze only if nothing else refuses it.
  const others = await ask([cancelled, ...OWN], run, context);
  const admission = frozen.kind === 'wait' && others.kind !== 'refused' ? frozen : others;
  return await concluded(admission, run, context);
}

/**
 * The same for a run that is checked again before the send (`standing`): the freeze is read here only if another guard
 * refuses, because the freeze is then the reason.
 */
export async function admitEarly(run: Run, context: GuardContext): Promise<Verdict> {
  const own = await ask(OWN, run, context);
  if (own.kind === 'admitted') return own;
  const standing = await ask(STANDING, run, context);
  return await concluded(standing.kind === 'refused' ? standing : own, run, context);
}

/** What forbids all runs, and windows, read immediately before a send. */
export async function standing(
  { freeze: frozen, tombstones }: LastLook,
  run: Run,
  now: Date,
): Promise<Admission> {
  const admission = unlessFrozen(await frozenBy(run.guards, frozen, now), run, now);
  if (admission.kind === 'refused') return admission;
  const uncancelled = unlessCancelled(tombstones, run);
  return uncancelled.kind === 'refused' ? uncancelled : admission;
}

async function ask(guards: readonly Guarding[], run: Run, context: GuardContext): Promise<Verdict> {
  for (const guard of guards) {
    const admission = await guard(run, context);
    if (admission.kind !== 'admitted') return admission;
  }
  return ADMITTED;
}

/** One that waits keeps its claims: they are its own when it asks again. But it runs on no part of the fleet. */
async function concluded(admission: Verdict, run: Run, { store }: GuardContext): Promise<Verdict> {
  if (admission.kind === 'refused') await releaseClaims(run, store);
  if (admission.kind === 'wait' || admission.kind === 'approval') await leaveShare(run, store);
  return admission;
}

/** After the end of a run: frees its instances, its place in flight and its place in the agenda, and tells its rule's breaker. */
export async function leave(run: Run, store: GuardStore): Promise<void> {
  await allOf(freeing(run, store));
}

/** For a run that never started: frees its claims. */
export async function releaseClaims(run: Run, store: GuardStore): Promise<void> {
  const { dedupe, maxPerHour: hourly } = run.guards;
  await allOf([
    restoreTimes(run, store),
    hourly !== undefined && store.uncountRun(run.rule, run.runId),
    dedupe !== undefined && store.release('dedupe', run.rule, dedupe.key, run.runId),
    releaseCooldown(run, store),
    ...freeing(run, store),
  ]);
}

type Part = Promise<void> | false;

function freeing(run: Run, store: GuardStore): Part[] {
  return [
    timerOf(run) !== undefined && strike(run.rule, run.runId, store),
    leaveFlight(run, store),
    leaveShare(run, store),
    // Locks are taken last: a run that the other guards stopped has none.
    run.admittedAt !== undefined && unlockInstances(run, store),
    noteForBreaker(run, store),
  ];
}

/** A part that fails leaves none of the others undone. @throws what the first that failed threw: all is tried again */
async function allOf(parts: readonly Part[]): Promise<void> {
  const settled = await Promise.allSettled(parts.filter((part) => part !== false));
  const failed = settled.find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
}

function refuse(code: string, message: string, advice?: string): Admission {
  return { kind: 'refused', reason: { code, message, ...(advice && { advice }) } };
}
