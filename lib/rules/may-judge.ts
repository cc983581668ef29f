/** Who may approve or deny a run, and whether it waits for that: asked at the door of a chat, and again with the verdict. */
import { type Actor, isSameActor, requestersOf } from '../model/actor.ts';
import { type ApprovalTerms, awaitsVerdict } from '../model/approval.ts';
import { isTerminalRun, type Run } from '../model/run.ts';
import type { ChatData } from '../model/trigger-event.ts';
import { type Refusal, whyNotAllowed } from './allow.ts';

export interface Judge {
  actor: Actor;
  /** Where and as whom a person typed it. Absent: a token, whose scope was checked. */
  person?: ({ chat: string } & Pick<ChatData, 'user' | 'channel'>) | undefined;
}

/** Why this one may not say anything about the run; undefined if they may, should it wait for approval. */
export function whyMayNotJudge(
  { approval, trigger, resumes }: Pick<Run, 'approval' | 'trigger' | 'resumes'>,
  { actor, person }: Judge,
): Refusal | undefined {
  if (approval === undefined) return undefined;
  const requesters = [...requestersOf(trigger), ...(resumes ? [resumes.by] : [])];
  if (requesters.some((requester) => isSameActor(requester, actor))) {
    const because =
      'whoever asked for a run may neither approve nor deny it: a second person has to (who asked can cancel it)';
    return { code: 'approval.own', because };
  }
  const because = person && whyNotPerson(approval, person);
  return because === undefined ? undefined : { code: 'approval.not-allowed', because };
}

function whyNotPerson(
  { users, channels, chats }: ApprovalTerms,
  { chat, ...person }: NonNullable<Judge['person']>,
): string | undefined {
  if (chats !== undefined && !chats.includes(chat)) return `it is approved in ${chats.join(', ')} only`;
  switch (whyNotAllowed({ users, groups: [], channels }, person)?.code) {
    case undefined:
      return undefined;
    case 'allow.channels':
      return `it is approved in ${channels.join(', ')} only`;
    default:
      return 'the rule does not list them under `approval`';
  }
}

/** Why there is nothing to say about the run now; undefined while it waits for approval. @param at ISO 8601 */
export function whyNotWaiting(
  run: Pick<Run, 'approval' | 'status' | 'cancelRequestedAt'>,
  at: string,
): string | undefined {
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
