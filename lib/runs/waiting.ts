/** A run that cannot be sent now: it goes back to the queue, until its deadline. */
import { ASK_ANEW } from '../guards/ask-anew.ts';
import { frozenBy } from '../guards/freeze.ts';
import type { Admission } from '../guards/guard.ts';
import { releaseClaims, untilThawed } from '../guards/guards.ts';
import type { Reason } from '../model/completion-event.ts';
import { instancesOf, isTerminalRun, type Run } from '../model/run.ts';
import { isPastFirstWave } from '../model/run-waves.ts';
import type { LastLook } from '../store/last-look.ts';
import { cancelRun } from './cancel.ts';
import { type DispatchContext, retryLater, type Step } from './dispatch-context.ts';
import { editInvocation, type InvocationEdit, withInvocation } from './invocation.ts';
import { postpone } from './put-off.ts';
import { refuse } from './refusal.ts';
import { change, endRun } from './settle.ts';
import { stopWaves } from './wave-gate.ts';

/** Why a run cannot be sent, and when to check again. */
export interface Hindrance {
  retryAfterMs: number;
  reason: Reason;
  /** When it can be sent again, where that is known: told to people, and no time to ask again. */
  until?: Date | undefined;
  /** Nothing more of it is sent, whatever its deadline. */
  isFinal?: true;
}

/**
 * How often a frozen run asks again at least: the switch may be lifted, and the run be cancelled. The queue allows a
 * message 1000 receives, and each lengthens the next wait a little (lib/queues/consume.ts): at this pace they last for
 * more than a day.
 */
const FROZEN_RETRY_MS = 10_000;

/** Why nothing of a run may be sent at this moment. */
export async function hindranceOf(
  run: Run,
  { guards, now }: Pick<DispatchContext, 'guards' | 'now'>,
): Promise<Hindrance | undefined> {
  return lateness(run, now()) ?? (await frozen(run, await guards.freeze(now()), now()));
}

/** The same, read immediately before every call. */
export async function hindranceBy(look: LastLook, run: Run, now: Date): Promise<Hindrance | undefined> {
  return lateness(run, now) ?? (await frozen(run, look.freeze, now));
}

function lateness(run: Run, now: Date): Hindrance | undefined {
  return isPast(run, now) ? { retryAfterMs: 0, reason: run.waitingFor ?? tooLate(run, now) } : undefined;
}

/** Of a run that the guards have let in. */
async function frozen(
  { guards }: Run,
  freeze: LastLook['freeze'],
  now: Date,
): Promise<Hindrance | undefined> {
  const by = await frozenBy(guards, freeze, now);
  if (by === undefined) return undefined;
  if (guards.freeze === 'reject') {
    return { retryAfterMs: FROZEN_RETRY_MS, reason: by.reason, isFinal: true };
  }
  return untilThawed(by, now);
}

function tooLate({ requestedAt }: Pick<Run, 'requestedAt'>, now: Date): Reason {
  return {
    code: 'run.late',
    message: `it was asked for at ${requestedAt}, and its turn came at ${now.toISOString()}.`,
    advice:
      'Where nobody moved it back: look at the age of the oldest message on the queues events and runs, or set a later deadline in the rule.',
  };
}

export function isPast(run: Pick<Run, 'deadline'>, now: Date): boolean {
  return now.toISOString() >= run.deadline;
}

/**
 * Ends a run that a guard refuses, or gives it back to the queue.
 * @param edited what has become of one invocation, stored in the same write
 */
export async function notAdmitted(
  run: Run,
  admission: Exclude<Admission, { kind: 'admitted' }>,
  context: DispatchContext,
  edited?: Edited,
): Promise<Step> {
  if (admission.kind === 'wait') {
    for (const runId of admission.replaces ?? []) await cancelRun(runId, replacedBy(run), context);
    return await waitFor(run, admission, context, edited);
  }
  if (admission.kind === 'later') return await postpone(run, admission, context);
  context.log.info('run.stopped', { runId: run.runId, rule: run.rule, guard: admission.reason.code });
  const ended = await endRun(run, 'rejected', admission.reason, context, (current) =>
    edited === undefined ? current : withInvocation(current, edited.index, edited.edit),
  );
  return { kind: 'done', run: ended };
}

/** Who cancels a run whose place a newer one takes. */
export function replacedBy({ rule, runId }: Run): string {
  return `the rule ${rule}, whose run ${runId} takes its place,`;
}

export interface Edited {
  index: number;
  edit: InvocationEdit;
}

/**
 * Gives the run back to the queue, or ends it when its deadline has passed.
 * @param edited what has become of one invocation, stored in the same write
 */
export async function waitFor(
  run: Run,
  { retryAfterMs: freeInMs, reason: { code, message, advice }, until, isFinal }: Hindrance,
  context: DispatchContext,
  edited?: Edited,
): Promise<Step> {
  const { store, now } = context;
  const reason: Reason = { code, message, ...(advice !== undefined && { advice }) };
  const isUncertain = run.invocations.some(
    ({ state }, index) => (edited?.index === index ? (edited.edit.state ?? state) : state) === 'attempting',
  );
  if ((isFinal === true || isPast(run, now())) && !isUncertain) {
    const known = edited === undefined ? run : await editInvocation(run, edited.index, store, edited.edit);
    return await giveUp(known, reason, context, isFinal);
  }
  const retryAfterMs = code === 'guard.freeze' ? Math.min(freeInMs, FROZEN_RETRY_MS) : freeInMs;
  const freeAt = new Date(now().getTime() + retryAfterMs);
  const waitingFor = until === undefined ? reason : { ...reason, until: until.toISOString() };
  const waiting = await change(store, run, (current) => {
    if (isTerminalRun(current)) return undefined;
    // The lease ends with the wait; the poller rescues the run if the message is lost.
    const rescueAt = new Date(freeAt.getTime() + context.leaseMs).toISOString();
    const known = edited === undefined ? current : withInvocation(current, edited.index, edited.edit);
    // No message of the queue brings back a wave after the first, or what a person has approved.
    const isPollers = isPastFirstWave(current) || current.approval?.verdict !== undefined;
    const pollAt = isPollers ? freeAt.toISOString() : rescueAt;
    return { ...known, leaseUntil: freeAt.toISOString(), pollAt, waitingFor };
  });
  return retryLater(waiting, retryAfterMs, `${code}: ${message}`);
}

/** The codes whose advice is to wait; other advice is also useful after the deadline. */
const WAITS_OF_OURS: ReadonlySet<string> = new Set([
  'fleet.unread',
  'guard.freeze',
  'guard.in-flight',
  'guard.lock',
  'guard.max-share',
  'provider.circuit-open',
  'run.twin',
]);

/** The reason after the end of the run, when it no longer waits and is not retried. */
function adviceAtEnd({ code, advice }: Reason): string {
  return advice === undefined || WAITS_OF_OURS.has(code) ? ASK_ANEW : `${advice} ${ASK_ANEW}`;
}

/** No further invocation is sent. Sent ones continue, the others end as never started. */
async function giveUp(run: Run, waitedFor: Reason, context: DispatchContext, isFinal = false): Promise<Step> {
  const { store, guards } = context;
  const reason: Reason = { ...waitedFor, advice: adviceAtEnd(waitedFor) };
  const because = isFinal ? reason.message : `before its deadline ${run.deadline}: ${reason.message}`;
  if (!run.invocations.some(({ state }) => state === 'sent')) {
    await releaseClaims(run, guards);
    const ended = isFinal ? reason : { ...reason, message: `It could not be sent ${because}` };
    return { kind: 'done', run: await endRun(run, isFinal ? 'rejected' : 'expired', ended, context) };
  }
  let current = run;
  for (const [index, { state, instances }] of run.invocations.entries()) {
    if (state !== 'planned') continue;
    const count = `${instances.length} of ${instancesOf(run).length} instances`;
    const message = `It could not be sent to ${count}${isFinal ? ':' : ''} ${because}`;
    current = await refuse(current, index, { ...reason, message }, store, run.waves && { isLate: true });
  }
  if (run.waves !== undefined) {
    const said = `it could not be sent${isFinal ? ':' : ''} ${because}`;
    // A void approval is the reason of the whole run, and not one of a wave.
    const code = reason.code === 'approval.void' ? reason.code : undefined;
    current = await change(store, current, (known) => stopWaves(known, said, context.now(), code));
  }
  return { kind: 'next', run: current };
}
