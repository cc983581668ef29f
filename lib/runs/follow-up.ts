/**
 * The run that follows another: `onFailure`, `onSuccess`. Its request was rendered with the event when the first rule matched
 * and is part of the run; that it is due is stored with the end, and its id is made of the run that ended, so that one end
 * has one follow-up however often it is asked for (docs/decisions/2026-11-21-follow-ups.md).
 */
import { after } from '../model/after.ts';
import { type Chain, MAX_ANCESTORS, whyLoop } from '../model/chain.ts';
import { rejectionOf } from '../model/reject-request.ts';
import type { Run, RunInvocation } from '../model/run.ts';
import { runIdFor } from '../model/run-id.ts';
import { type Followed, FollowedEnd, type FollowUp, type RunRequest } from '../model/run-request.ts';
import { fitsInMessage } from '../queues/runs-queue.ts';

/** In place of a source, where a run's id is made. */
const FOLLOW_UP = 'follow-up';

/** A run at its end, with what follows it. */
export function withNext(run: Run): Run {
  const followUp = followUpOf(run);
  if (followUp === undefined) return run;
  const outbox: Run['outbox'] = [...run.outbox, 'follow-up'];
  // A loop is stopped and kept quiet: nothing follows then.
  if (whyLoop(followUp.rule, chainOf(run, followUp)) !== undefined) return { ...run, outbox };
  return { ...run, outbox, next: { rule: followUp.rule, runId: runIdOf(run, followUp) } };
}

/** What follows a run that has ended, as a message of the runs queue. */
export function followUpRequest(run: Run): RunRequest | undefined {
  const followUp = followUpOf(run);
  const end = endOf(run);
  if (followUp === undefined || end === undefined || run.endedAt === undefined) return undefined;
  const { rule, outputs, notify, asks, followUps } = followUp;
  const common = {
    version: 2 as const,
    runId: runIdOf(run, followUp),
    rule,
    trigger: run.trigger,
    chain: chainOf(run, followUp),
    after: followedOf(run, end),
    notify,
    replyTo: run.replyTo && { via: run.replyTo.via, address: run.replyTo.address, outputs },
    traceparent: run.traceparent,
    requestedAt: run.endedAt,
  };
  if (asks.action === 'reject') return { ...common, ...asks };
  const { deadlineMs, delayMs, guards, onUnavailable, waves, approval, patterns, taggedFleet } = asks;
  const reached = followUp.instances && reachedIn(run, followUp.instances);
  const target = reached === undefined ? asks.target : { ...asks.target, instances: reached };
  const asked = { ...common, target, taggedFleet, patterns, followUps };
  const execution = { guards, onUnavailable, waves, approval };
  const endedAt = new Date(run.endedAt);
  const request: RunRequest =
    delayMs === undefined
      ? { ...asked, ...execution, action: 'run', deadline: after(endedAt, deadlineMs).toISOString() }
      : {
          ...asked,
          action: 'schedule',
          at: after(endedAt, delayMs).toISOString(),
          execution: { ...execution, deadlineMs },
        };
  // Of a tagged fleet the cloud says it, before anything is sent.
  const fleet = new Set(asks.target.instances);
  const outside =
    taggedFleet === undefined ? reached?.find((instanceId) => !fleet.has(instanceId)) : undefined;
  if (outside !== undefined) {
    return rejectionOf(request, {
      code: 'instances.not-in-fleet',
      message: `the run before was on ${outside}, which is not in the fleet of this rule; add it to \`fleets\`, if it is meant`,
    });
  }
  if (fitsInMessage(request)) return request;
  return rejectionOf(request, {
    code: 'request.tooLarge',
    message:
      'what follows does not fit in a message of the runs queue (256 KiB): fewer instances, or shorter parameters, fit',
  });
}

/** The one for the end of this run, if there is anything for it to run on. */
function followUpOf(run: Run): FollowUp | undefined {
  const end = endOf(run);
  if (end === undefined) return undefined;
  const followUp = run.followUps?.find((one) => one.after.includes(end));
  // With nothing reached there is nothing to run on.
  return followUp?.instances !== undefined && reachedIn(run, followUp.instances).length === 0
    ? undefined
    : followUp;
}

/** How it counts: undefined where certainly nothing was sent, so that there is nothing to follow. */
function endOf(run: Run): FollowedEnd | undefined {
  if (!run.invocations.some(({ state }) => state === 'sent' || state === 'attempting')) return undefined;
  const end = FollowedEnd.safeParse(run.status).data;
  // Whatever became of it: a person, or a rule, wanted nothing more of it.
  return end !== undefined && run.cancelRequestedAt !== undefined ? 'stopped' : end;
}

function reachedIn(run: Run, instances: 'touched' | 'failed'): string[] {
  const taskOf = new Map(run.tasks.map((task) => [task.instanceId, task]));
  const isMeant = ({ state }: RunInvocation) =>
    state === 'sent' || state === 'attempting' || (instances === 'failed' && state === 'notSent');
  const ids = run.invocations.filter(isMeant).flatMap((invocation) => invocation.instances);
  return [...new Set(ids)].filter((instanceId) => {
    const task = taskOf.get(instanceId);
    return instances === 'failed' ? task?.status !== 'succeeded' : task?.started !== 'no';
  });
}

function runIdOf(run: Run, { rule }: FollowUp) {
  return runIdFor(rule, FOLLOW_UP, run.runId);
}

function chainOf({ ancestry = [], rule, runId }: Run, { maxDepth }: FollowUp): Chain {
  const line = [...ancestry, { rule, runId }];
  return { ancestry: line.slice(-MAX_ANCESTORS), depth: line.length, maxDepth };
}

function followedOf({ runId, rule, after: before }: Run, status: FollowedEnd): Followed {
  const own = { runId, rule, status };
  return { ...own, failed: before?.failed ?? (status === 'succeeded' ? undefined : own) };
}
