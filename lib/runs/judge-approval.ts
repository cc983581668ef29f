/**
 * Approves or denies a run, for one person or token. The verdict is one conditional write: of two at once, the second finds
 * the first. Sending is the poller's, which is woken.
 */
import { type Actor, isSameActor, requestersOf } from '../model/actor.ts';
import { type ApprovalTerms, awaitsVerdict } from '../model/approval.ts';
import { isTerminalRun, type Run } from '../model/run.ts';
import type { RunId } from '../model/run-request.ts';
import type { ChatData } from '../model/trigger-event.ts';
import { whyNotAllowed } from '../rules/allow.ts';
import { endUnapproved, withVerdict } from './ask-approval.ts';
import { change, type SettleContext } from './settle.ts';

export interface Judge {
  actor: Actor;
  /** Where and as whom a person typed it. Absent: a token, whose scope was checked. */
  person?: ({ chat: string } & Pick<ChatData, 'user' | 'channel'>) | undefined;
}

export interface Judgement {
  kind: 'approved' | 'denied';
  why?: string | undefined;
}

export type Judged =
  /** It is so now, by this one; or was already. */
  | { kind: 'done'; run: Run }
  | { kind: 'missing' }
  /** It waits for nobody. */
  | { kind: 'notWaiting'; run: Run; because: string }
  /** By who asked for it, or who is not among those who may. */
  | { kind: 'refused'; code: 'approval.own' | 'approval.not-allowed'; because: string };

export interface JudgeContext extends SettleContext {
  wake: (at: Date) => Promise<void>;
}

/** Safe to call again: the same verdict of the same one changes nothing. */
export async function judge(
  runId: RunId,
  judgement: Judgement,
  by: Judge,
  context: JudgeContext,
): Promise<Judged> {
  const { store, now, log } = context;
  const run = await store.get(runId);
  if (run === undefined) return { kind: 'missing' };
  const refusal = whyNot(run, by);
  if (refusal !== undefined) return refusal;
  const at = now().toISOString();
  let because: string | undefined;
  const judged = await change(store, run, (current) => {
    because = whyNotWaiting(current, at);
    if (because !== undefined) return undefined;
    const { kind, why } = judgement;
    return withVerdict(current, { kind, at, by: by.actor, ...(why !== undefined && { why }) });
  });
  if (!isBy(judged, judgement, by)) {
    return { kind: 'notWaiting', run: judged, because: because ?? 'it waits for no approval' };
  }
  log.info(`approval.${judgement.kind}`, { runId, rule: run.rule, by: by.actor });
  if (judgement.kind === 'denied') return { kind: 'done', run: await endUnapproved(judged, context) };
  await context.wake(now());
  return { kind: 'done', run: judged };
}

/** Why nobody, or not this one, may say anything about the run; undefined if they may, should it wait for it. */
export function whyNot(
  run: Pick<Run, 'approval' | 'trigger'>,
  { actor, person }: Judge,
): Extract<Judged, { kind: 'refused' }> | undefined {
  const { approval } = run;
  if (approval === undefined) return undefined;
  if (requestersOf(run.trigger).some((requester) => isSameActor(requester, actor))) {
    return {
      kind: 'refused',
      code: 'approval.own',
      because:
        'whoever asked for a run may neither approve nor deny it: a second person has to (who asked can cancel it)',
    };
  }
  const because = person === undefined ? undefined : whyNotPerson(approval, person);
  return because === undefined ? undefined : { kind: 'refused', code: 'approval.not-allowed', because };
}

function whyNotPerson(
  { users, channels, chats }: ApprovalTerms,
  { chat, ...person }: NonNullable<Judge['person']>,
): string | undefined {
  if (chats !== undefined && !chats.includes(chat)) return `it is approved in ${chats.join(', ')} only`;
  const refusal = whyNotAllowed({ users, groups: [], channels }, person);
  return refusal?.because
    .replace('`allow` users and groups', '`approval` users')
    .replace('`allow`', '`approval`');
}

function whyNotWaiting(run: Run, at: string): string | undefined {
  const { approval, status, cancelRequestedAt } = run;
  if (approval === undefined) return 'its rule asks for no approval';
  const { verdict, asked } = approval;
  if (verdict?.kind === 'expired') return `its time was over at ${verdict.at}`;
  if (verdict !== undefined) return `it was ${verdict.kind} at ${verdict.at} already`;
  if (isTerminalRun(run)) return `it has ended as ${status}`;
  if (cancelRequestedAt !== undefined) return 'it is being cancelled';
  if (asked === undefined || !awaitsVerdict(run)) return 'it does not wait for approval yet';
  return at >= asked.until ? `its time was over at ${asked.until}` : undefined;
}

function isBy({ approval }: Run, { kind }: Judgement, { actor }: Judge): boolean {
  const { verdict } = approval ?? {};
  return verdict?.kind === kind && verdict.by !== undefined && isSameActor(verdict.by, actor);
}
