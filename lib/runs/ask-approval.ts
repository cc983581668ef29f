/**
 * Asks for the approval of a run, and sees to it while it waits. It waits in the table alone: no message of a queue comes
 * back for it, and the poller looks at it when its time is over. What was said is stored first; everything follows from it.
 */
import { releaseClaims } from '../guards/guards.ts';
import { describeActor } from '../model/actor.ts';
import { after } from '../model/after.ts';
import { type ApprovalTerms, type ApprovalVerdict, awaitsVerdict } from '../model/approval.ts';
import type { Reason } from '../model/completion-event.ts';
import { isTerminalRun, type Run, timerOf } from '../model/run.ts';
import { toApprove } from './approval-seal.ts';
import type { DispatchContext, Step } from './dispatch-context.ts';
import { change, deliver, endRun, type SettleContext, withMarks } from './settle.ts';
import { waitFor } from './waiting.ts';

const MINUTE_MS = 60_000;

/** The guards that come before it have let the run pass, and nothing of it is attempted. Safe to call again. */
export async function askApproval(run: Run, context: DispatchContext): Promise<Step> {
  const { store, now, log, leaseMs, guards } = context;
  const { approval } = run;
  if (approval === undefined) return { kind: 'next', run };
  const read = await toApprove(run, context);
  if (read.kind === 'unread') return await waitFor(run, read.hindrance, context);
  if (read.value === undefined) {
    await releaseClaims(run, guards);
    const reason = {
      code: 'command.unknown',
      message: `The cloud has no stored command ${run.target?.command} in ${run.target?.region}: there is nothing to approve.`,
      advice: 'Correct the command in the rule.',
    };
    return { kind: 'done', run: await endRun(run, 'rejected', reason, context) };
  }
  const what = read.value;
  const withinMs = Math.max(
    1,
    timerOf(run)?.deadlineMs ?? Date.parse(run.deadline) - Date.parse(run.requestedAt),
  );
  const asked = await change(store, run, (current) => {
    if (isTerminalRun(current) || current.approval?.asked !== undefined) return undefined;
    const until = after(now(), approval.expiresMs);
    return {
      ...current,
      approval: {
        ...approval,
        asked: { at: now().toISOString(), until: until.toISOString(), withinMs, ...what },
      },
      waitingFor: waitsFor(current, approval, until),
      // It counts from the approval, which may come at the last moment.
      deadline: after(until, withinMs).toISOString(),
      leaseUntil: undefined,
      outbox: [...current.outbox, 'run.waiting'],
      // Where this process dies before anybody was told.
      pollAt: (current.cancelRequestedAt === undefined ? after(now(), leaseMs) : now()).toISOString(),
    };
  });
  log.info('approval.asked', { runId: run.runId, rule: run.rule, until: asked.approval?.asked?.until });
  return await seeToApproval(asked, context);
}

/**
 * A run whose approval was asked for: tells that, or waits, or ends.
 * @returns `next`: it was approved, or is cancelled, and goes on
 */
export async function seeToApproval(run: Run, context: DispatchContext): Promise<Step> {
  const { store, now } = context;
  const { approval } = run;
  if (isTerminalRun(run) || approval?.asked === undefined) return { kind: 'next', run };
  const { asked, verdict } = approval;
  if (verdict?.kind === 'approved') return { kind: 'next', run };
  if (verdict !== undefined) return { kind: 'done', run: await endUnapproved(run, context) };
  if (run.cancelRequestedAt !== undefined) return { kind: 'next', run };
  if (now().toISOString() < asked.until) return { kind: 'done', run: await tellAsked(run, context) };
  const expired = await change(store, run, (current) =>
    awaitsVerdict(current) && !isTerminalRun(current) && current.cancelRequestedAt === undefined
      ? withVerdict(current, { kind: 'expired', at: now().toISOString() })
      : undefined,
  );
  return await seeToApproval(expired, context);
}

/** The run with what was said of it. */
export function withVerdict(run: Run, verdict: ApprovalVerdict): Run {
  const { approval } = run;
  if (approval?.asked === undefined) return run;
  const isApproved = verdict.kind === 'approved';
  const { waitingFor: _, ...rest } = run;
  return {
    ...rest,
    approval: { ...approval, verdict },
    // Nobody is waited for any more.
    outbox: run.outbox.filter((pending) => pending !== 'run.waiting'),
    ...(isApproved && {
      deadline: after(new Date(verdict.at), approval.asked.withinMs).toISOString(),
      leaseUntil: verdict.at,
    }),
    pollAt: verdict.at,
  };
}

/** Ends a run that was denied, or not approved in time. Safe to call again, and beside another process. */
export async function endUnapproved(run: Run, context: SettleContext): Promise<Run> {
  const { verdict } = run.approval ?? {};
  if (verdict === undefined || verdict.kind === 'approved' || isTerminalRun(run)) return run;
  await releaseClaims(run, context.guards);
  return await endRun(run, 'rejected', reasonOf(run, verdict), context);
}

function reasonOf({ runId, approval }: Run, { kind, by, why }: ApprovalVerdict): Reason {
  if (kind === 'denied') {
    const said = why === undefined ? '' : `: ${why}`;
    return {
      code: 'approval.denied',
      message: `${by === undefined ? 'Somebody' : describeActor(by)} denied it${said}. Nothing was sent.`,
    };
  }
  return {
    code: 'approval.expired',
    message: `Nobody approved it until ${approval?.asked?.until}. Nothing was sent.`,
    advice: `Ask for it again, if it is still wanted, and have somebody ready to approve it (\`fleet-reflex approve ${runId}\` is too late).`,
  };
}

/** Tells that it waits, once, and then leaves it alone until its time is over. */
async function tellAsked(run: Run, context: DispatchContext): Promise<Run> {
  const { store, now, wake } = context;
  const until = run.approval?.asked?.until;
  if (until === undefined || (run.outbox.length === 0 && run.pollAt === until)) return run;
  const [told] = run.outbox.length === 0 ? [] : await deliver([run], context);
  if (told?.failure !== undefined) throw told.failure;
  const waiting = await change(store, run, (current) => {
    const marked = told === undefined ? current : withMarks(current, told);
    if (isTerminalRun(current) || !awaitsVerdict(current) || current.cancelRequestedAt !== undefined) {
      return marked === current ? undefined : marked;
    }
    return { ...marked, pollAt: until };
  });
  // The poller comes each minute by itself.
  if (until < after(now(), MINUTE_MS).toISOString()) await wake(new Date(until));
  return waiting;
}

function waitsFor(
  { runId }: Run,
  { users, channels, chats }: ApprovalTerms,
  until: Date,
): NonNullable<Run['waitingFor']> {
  const where = [...(chats ?? []), ...(channels.length > 0 ? [`in ${channels.join(', ')}`] : [])].join(' ');
  const people = users.length === 0 ? [] : [`${users.join(', ')}${where === '' ? '' : ` (${where})`}`];
  const who = [...people, 'a token with the scope approve'].join(', or ');
  return {
    code: 'approval',
    message: `It waits until ${until.toISOString()} for an approval by ${who}; not by who asked for it.`,
    advice: `\`fleet-reflex approve ${runId}\`, or \`approve ${runId}\` in a chat; \`deny\` ends it.`,
    until: until.toISOString(),
  };
}
