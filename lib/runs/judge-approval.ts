/**
 * Approves or denies a run, for one person or token. The verdict is one conditional write: of two at once, the second finds
 * the first. Sending is the poller's, which is woken.
 */
import { isSameActor } from '../model/actor.ts';
import { type AuditEntry, auditEntry } from '../model/audit-entry.ts';
import type { Run } from '../model/run.ts';
import type { RunId } from '../model/run-request.ts';
import { type Judge, whyMayNotJudge, whyNotWaiting } from '../rules/may-judge.ts';
import type { AuditLog } from '../store/audit-log.ts';
import { endUnapproved, withVerdict } from './ask-approval.ts';
import { change, type SettleContext } from './settle.ts';

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
  | { kind: 'refused'; code: string; because: string };

export interface JudgeContext extends SettleContext {
  audit: Pick<AuditLog, 'add'>;
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
  const refusal = whyMayNotJudge(run, by);
  if (refusal !== undefined) return { kind: 'refused', ...refusal };
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
  // Under the same id again, should this process die before its answer is out and be asked anew.
  await context.audit.add(entryOf(judged, judgement, by));
  log.info(`approval.${judgement.kind}`, { runId, rule: run.rule, by: by.actor });
  if (judgement.kind === 'denied') return { kind: 'done', run: await endUnapproved(judged, context) };
  await context.wake(now());
  return { kind: 'done', run: judged };
}

function entryOf({ runId, rule, approval }: Run, { kind, why }: Judgement, { actor }: Judge): AuditEntry {
  const act = `run.${kind}` as const;
  return auditEntry({
    id: `${act}/${runId}`,
    at: approval?.verdict?.at ?? '',
    act,
    actor,
    runId,
    rule,
    message: `The run was ${kind}.`,
    ...(why !== undefined && { details: { why } }),
  });
}

function isBy({ approval }: Run, { kind }: Judgement, { actor }: Judge): boolean {
  const { verdict } = approval ?? {};
  return verdict?.kind === kind && verdict.by !== undefined && isSameActor(verdict.by, actor);
}
