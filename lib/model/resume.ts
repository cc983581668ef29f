/**
 * Resuming a rollout that ended in the middle: a new run of the same rule, trigger, command and waves, on the instances that
 * were never sent to. Its id is made of the run that ended, so that it is one run however often, and by how many, it is
 * asked for (docs/decisions/2026-11-21-waves.md).
 */
import type { Actor } from './actor.ts';
import { after } from './after.ts';
import { MAX_ANCESTORS } from './chain.ts';
import type { ReplyTo } from './reply-to.ts';
import { cancelledInstances, instancesOf, isTerminalRun, type Run, type RunInvocation } from './run.ts';
import { runIdFor } from './run-id.ts';
import type { FollowUp, RunId, RunRequest } from './run-request.ts';

/** In place of a source, where a run's id is made. */
const RESUME = 'resume';
/** No request may have more (lib/runs/check-request.ts). */
const MAX_DEADLINE_MS = 86_400_000;

/** Of a run, in its order: what was never sent to. Without what was cancelled by name, or left out as unavailable. */
export function neverSentTo(run: Run): string[] {
  const tried = run.invocations.filter(isTried);
  const gone = new Set([
    ...tried.flatMap(({ instances }) => instances),
    ...cancelledInstances(run),
    ...(run.skipped ?? []),
  ]);
  return instancesOf(run).filter((instanceId) => !gone.has(instanceId));
}

/** Whether it is a rollout that ended in the middle; so is one that should have resumed another, and was never sent. */
export function isCutShort(run: Run): boolean {
  return isTerminalRun(run) && run.waves !== undefined && isBegun(run) && neverSentTo(run).length > 0;
}

function isBegun({ invocations, resumes }: Run): boolean {
  return invocations.some(isTried) || resumes !== undefined;
}

/** What the cloud refused was tried: to try it again is another question. */
function isTried({ state, isLate }: RunInvocation): boolean {
  return state !== 'planned' && state !== 'dropped' && isLate !== true;
}

/** The id of the run that resumes it, whether or not there is one. */
export function resumedAs({ rule, runId }: Pick<Run, 'rule' | 'runId'>): RunId {
  return runIdFor(rule, RESUME, runId);
}

export interface NotResumable {
  code: string;
  /** Continues a sentence. */
  because: string;
}

/**
 * Why it cannot be resumed; undefined if it can.
 * @param resumed the stored run of the id `resumedAs`
 */
export function whyNotResumable(run: Run, resumed: Run | undefined): NotResumable | undefined {
  if (resumed !== undefined) {
    const again = isCutShort(resumed) ? `: resume ${resumed.runId} to go on` : '';
    return {
      code: 'run.resumed',
      because: `it was resumed as ${resumed.runId}, which is ${resumed.status}${again}`,
    };
  }
  if (run.cancel !== undefined || run.waves === undefined) {
    const because = 'it is no rollout: only a run in waves ends in the middle. Ask for the command anew';
    return { code: 'run.no-rollout', because };
  }
  if (!isTerminalRun(run)) {
    return {
      code: 'run.live',
      because: `it has not ended, it is ${run.status}: it goes on by itself, or when what it waits for is over`,
    };
  }
  if (!isBegun(run)) {
    return {
      code: 'run.not-begun',
      because: `nothing of it was sent, it ended as ${run.status}. A new event, or the same command given again, asks for all of it`,
    };
  }
  if (neverSentTo(run).length === 0) {
    return {
      code: 'run.nothing-left',
      because:
        'no instance is left that was never sent to. Where it failed, or was cancelled, ask for the command anew',
    };
  }
  if (hasSecrets(run)) {
    return {
      code: 'run.secrets',
      because: `its secret parameters were deleted when it ended. Give the same command again for what is left: ${neverSentTo(run).join(', ')}`,
    };
  }
  if (run.patterns === undefined) {
    return {
      code: 'run.earlier-version',
      because: `an earlier version began it, and kept too little of it. Give the same command again for what is left: ${neverSentTo(run).join(', ')}`,
    };
  }
  return undefined;
}

function hasSecrets({ target, followUps = [] }: Pick<Run, 'target' | 'followUps'>): boolean {
  return target?.secretParameters !== undefined || followUps.some(hasSecretsIn);
}

function hasSecretsIn({ asks, followUps = [] }: FollowUp): boolean {
  const isSecret = asks.action === 'run' && asks.target.secretParameters !== undefined;
  return isSecret || followUps.some(hasSecretsIn);
}

export interface Resuming {
  by: Actor;
  now: Date;
  replyTo?: ReplyTo | undefined;
  traceparent?: string | undefined;
}

/**
 * What asks for the rest of it, past every guard but those that its own line of runs would trip: the claims of `dedupe` and
 * `cooldown` that the line holds count as its own (lib/guards/), and it was counted by `times` already.
 * @param run one that is resumable
 */
export function resumeRequest(run: Run, { by, now, replyTo, traceparent }: Resuming): RunRequest {
  const { runId, rule, trigger, ancestry, notify, onUnavailable, patterns, followUps, resumes, taggedFleet } =
    run;
  const { target, waves } = run;
  if (target === undefined || waves === undefined) throw new TypeError(`the run ${runId} is not resumable`);
  const { sizes, pauseMs, stopAfterFailures, onStop, withinMs } = waves;
  const { times: _, ...guards } = run.guards;
  const line = resumes === undefined ? [] : [...(resumes.earlier ?? []), resumes.runId];
  return {
    version: 2,
    action: 'run',
    runId: resumedAs(run),
    rule,
    trigger,
    // As deep as the one that ended: it stands in its place, and not behind it.
    chain:
      ancestry && ancestry.length > 0
        ? { ancestry, depth: ancestry.length, maxDepth: ancestry.length }
        : undefined,
    after: run.after,
    resumes: { runId, by, earlier: line.length > 0 ? line.slice(-MAX_ANCESTORS) : undefined },
    notify,
    replyTo,
    traceparent,
    requestedAt: now.toISOString(),
    target: { ...target, instances: neverSentTo(run) },
    taggedFleet: taggedFleet && { name: taggedFleet.name, tags: taggedFleet.tags },
    patterns,
    followUps,
    guards,
    onUnavailable,
    waves: { sizes, pauseMs, stopAfterFailures, onStop },
    approval: termsOf(run),
    deadline: after(now, Math.min(withinMs, MAX_DEADLINE_MS)).toISOString(),
  };
}

/** It is asked for anew. */
function termsOf({ approval }: Run): Extract<RunRequest, { action: 'run' }>['approval'] {
  if (approval === undefined) return undefined;
  const { asked: _, verdict: __, ...terms } = approval;
  return terms;
}

/** Whether that run is this one's own line: one that it resumes, or that such a one resumed. */
export function isOwnLine({ resumes }: Pick<Run, 'resumes'>, runId: string): boolean {
  return resumes !== undefined && (resumes.runId === runId || resumes.earlier?.includes(runId) === true);
}
