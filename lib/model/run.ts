/**
 * The run: one rule's command for one trigger event, as it is stored. Plain data and pure functions; dispatch.ts, settle.ts
 * and cancel.ts change it.
 */
import * as z from 'zod';
import { RunApproval } from './approval.ts';
import { Ancestor } from './chain.ts';
import { FollowedBy, Reason, RunStatus } from './completion-event.ts';
import { DestinationRef } from './destination-ref.ts';
import { ReplyTo } from './reply-to.ts';
import { Followed, FollowUp, OnUnavailable, RenderedGuards, Resumes, RunId, Trigger } from './run-request.ts';
import { Started, TaskStatus } from './status.ts';
import { RunFleet } from './tagged-fleet.ts';
import { RefusedTarget, Target } from './target.ts';
import { RunWaves } from './waves.ts';

/** One InvokeCommand of the run. */
export const RunInvocation = z.strictObject({
  /** Unique for run and batch, at most 64 characters: the ClientToken where the provider has one. */
  token: z.string().max(64),
  /** Of a run in waves; absent: 0, the first. */
  wave: z.int().optional(),
  instances: z.array(z.string()),
  /**
   * - `planned`: not attempted, or certainly without effect so far
   * - `attempting`: called at `attemptedAt`, no answer stored: it may run, reconcile before another attempt
   * - `sent`: the provider's id is `invocationId`
   * - `notSent`: the provider refused it permanently; `failure` says why
   * - `dropped`: the run was cancelled before it was attempted
   */
  state: z.enum(['planned', 'attempting', 'sent', 'notSent', 'dropped']),
  attemptedAt: z.string().optional(),
  /** When that attempt ended without an answer; absent if its process died. */
  unansweredAt: z.string().optional(),
  /** The key of its looks, for a provider without tokens; the attempt took the lease of this key. */
  twin: z.string().optional(),
  invocationId: z.string().optional(),
  requestId: z.string().optional(),
  failure: Reason.optional(),
  /** Of a wave that is `notSent`: it was not refused, its time was over. */
  isLate: z.literal(true).optional(),
});
export type RunInvocation = z.infer<typeof RunInvocation>;

/** What is to be sent out: events, and the request of the run that follows. */
export const PendingEvent = z.enum([
  'run.waiting',
  'run.started',
  'run.completed',
  'run.rejected',
  'follow-up',
]);
export type PendingEvent = z.infer<typeof PendingEvent>;

/** The time of a `schedule` action, and its id at the provider. */
export const RunSchedule = z.strictObject({
  /** Once: ISO 8601 … */
  at: z.string().optional(),
  /** … or again and again, in the provider's own words. Then each time is a run of its own, and this one never runs. */
  recurrence: z.string().optional(),
  /** `ivk-…` at Tencent; absent until the provider has it. */
  scheduleId: z.string().optional(),
  /** Present: we fire it. Absent: the provider does. */
  timer: z
    .strictObject({
      /** ISO 8601, UTC. Absent until the guards have let it wait. */
      nextAt: z.string().optional(),
      /** How long after its time it may still be sent. */
      deadlineMs: z.int().positive(),
    })
    .optional(),
});
export type RunSchedule = z.infer<typeof RunSchedule>;

/** For a cancel, which is stored like a run: what it should stop, and what it stopped. */
export const CancelOrder = z.strictObject({
  targetRule: z.string().optional(),
  key: z.string().optional(),
  targetRunId: RunId.optional(),
  /** Of that run; absent: all of it. */
  instances: z.array(z.string()).optional(),
  by: z.string(),
  /** When it has ended. */
  stopped: z.array(RunId).optional(),
});
export type CancelOrder = z.infer<typeof CancelOrder>;

/** What a run waits for. */
export const Waiting = Reason.extend({
  /** ISO 8601, where that is known. */
  until: z.string().optional(),
});

/** One task: the provider's last report, and whether its completion event is out. */
export const RunTask = z.strictObject({
  invocationId: z.string(),
  taskId: z.string(),
  instanceId: z.string(),
  status: TaskStatus,
  providerStatus: z.string(),
  started: Started,
  exitCode: z.int().optional(),
  output: z.custom<Uint8Array>((value) => value instanceof Uint8Array).optional(),
  /** The output is stored by itself: a run that is read does not have it (RunStore.outputs). */
  isOutputApart: z.literal(true).optional(),
  outputDroppedBytes: z.int(),
  outputUrl: z.string().optional(),
  outputDeliveryError: Reason.optional(),
  error: Reason.optional(),
  startedAt: z.string().optional(),
  endedAt: z.string().optional(),
  isEventSent: z.boolean(),
});
export type RunTask = z.infer<typeof RunTask>;

/** Version 1 had the fields of the target beside the others: `upgradeRun` (lib/model/upgrade.ts) reads it. */
export const Run = z.strictObject({
  version: z.literal(2),
  /** Counts the writes; each write names the one that it read. */
  revision: z.int(),
  runId: RunId,
  rule: z.string(),
  trigger: Trigger,
  /** The runs that led to it, oldest first. */
  ancestry: z.array(Ancestor).optional(),
  /** The run that it follows by `onFailure` or `onSuccess`. */
  after: Followed.optional(),
  /** The run whose rest it runs on. */
  resumes: Resumes.optional(),
  /** What may follow it. Deleted when its end has been reported, unless it may be resumed: then without secrets. */
  followUps: z.array(FollowUp).optional(),
  /** At its end: the run that follows it. */
  next: FollowedBy.optional(),
  notify: z.array(DestinationRef),
  replyTo: ReplyTo.optional(),
  traceparent: z.string().optional(),
  /** Absent if nothing can be sent. The values of secret parameters are deleted when the end has been reported. */
  target: Target.optional(),
  /** Of a run whose instances the cloud is asked for. */
  taggedFleet: RunFleet.optional(),
  /** For a match that was refused before there was a target. */
  refusedTarget: RefusedTarget.optional(),
  schedule: RunSchedule.optional(),
  /** Present for a cancel: it runs nothing, and stops other runs. */
  cancel: CancelOrder.optional(),
  guards: RenderedGuards,
  onUnavailable: OnUnavailable,
  waves: RunWaves.optional(),
  /** Of a run in waves, the patterns of its parameters: it may be resumed. */
  patterns: z.record(z.string(), z.string()).optional(),
  approval: RunApproval.optional(),
  requestedAt: z.string(),
  /** Until when it may be sent; in waves, the wave that is to be sent next. */
  deadline: z.string(),

  status: RunStatus,
  reason: Reason.optional(),
  /** When the guards let it pass; absent until then. */
  admittedAt: z.string().optional(),
  invocations: z.array(RunInvocation),
  /** Of the provider's, as far as they are known, and of instances that were never sent to. */
  tasks: z.array(RunTask).default([]),
  startedAt: z.string().optional(),
  endedAt: z.string().optional(),
  cancelRequestedAt: z.string().optional(),
  cancelledBy: z.string().optional(),
  /** Of cancels that named instances: who, which, when. The rest of the run goes on. */
  cancelledInstances: z
    .array(z.strictObject({ instances: z.array(z.string()), by: z.string(), at: z.string() }))
    .optional(),
  /** Instances that `onUnavailable: skip` left out. */
  skipped: z.array(z.string()).optional(),
  /** While `dispatching` or `scheduled`, and between waves: what it waits for. */
  waitingFor: Waiting.optional(),
  /** While `dispatching`: only the lease holder works on it until then. */
  leaseUntil: z.string().optional(),
  /** Events whose facts are stored but whose delivery is not. */
  outbox: z.array(PendingEvent),
  /** When the poller looks next; absent when there is nothing left to do. */
  pollAt: z.string().optional(),
  /** Since when its provider has no record of what is open of it (lib/runs/record-gone.ts). */
  missingSince: z.string().optional(),
  /** Readings that failed since the last good one. */
  failedReadings: z.int(),
});
export type Run = z.infer<typeof Run>;

/** What a run ends as. */
export const END_STATUSES = [
  'succeeded',
  'failed',
  'partly_failed',
  'timed_out',
  'stopped',
  'partly_stopped',
  'rejected',
  'expired',
  'unknown',
] as const satisfies readonly RunStatus[];
const TERMINAL: ReadonlySet<string> = new Set(END_STATUSES);

/** Also for a status that another version may have written. */
export function isTerminalStatus(status: string): boolean {
  return TERMINAL.has(status);
}

export function isTerminalRun(run: Pick<Run, 'status'>): boolean {
  return isTerminalStatus(run.status);
}

/** Whether the cloud is still to be asked for its instances: nothing of it can be sent before. */
export function isUnresolved({ taggedFleet }: Pick<Run, 'taggedFleet'>): boolean {
  return taggedFleet !== undefined && taggedFleet.readAt === undefined;
}

/** All of its instances; none of a cancel, or of what was refused. */
export function instancesOf({ target }: Pick<Run, 'target'>): readonly string[] {
  return target?.instances ?? [];
}

/** The known part of its target, for people. */
export function knownTarget({ target, refusedTarget }: Pick<Run, 'target' | 'refusedTarget'>) {
  const { provider, region, command }: Partial<RefusedTarget> = target ?? refusedTarget ?? {};
  return { provider, region, command };
}

/**
 * Whether it waits for its scheduled time and has started nothing. It belongs to lib/schedules/, not to dispatch or the
 * poller.
 */
export function isAwaitingSchedule(run: Pick<Run, 'status' | 'schedule' | 'invocations'>): boolean {
  return run.schedule !== undefined && run.invocations.length === 0 && !isTerminalRun(run);
}

/** Whether `waitingFor` holds now: it, or its next wave, is not sent yet, and will be. */
export function isWaiting(run: Pick<Run, 'status' | 'waves'>): boolean {
  return run.status === 'dispatching' || run.status === 'scheduled' || isBetweenWaves(run);
}

/** Whether a wave of it has ended and the next one has not begun: nothing of it is at the provider. */
export function isBetweenWaves({ waves }: Pick<Run, 'waves'>): boolean {
  return waves?.nextAt !== undefined;
}

/** What is known of a timer of ours; undefined for a run at once, and for one that the provider fires. */
export function timerOf(run: Pick<Run, 'schedule'>): NonNullable<RunSchedule['timer']> | undefined {
  return run.schedule?.timer;
}

/** Whether there is anything that the provider could still change or be asked about. */
export function sentInvocations(run: Run): (RunInvocation & { invocationId: string })[] {
  return run.invocations.flatMap((invocation) =>
    invocation.state === 'sent' && invocation.invocationId !== undefined
      ? [{ ...invocation, invocationId: invocation.invocationId }]
      : [],
  );
}

/** Not known to be sent: it must be sent, or searched for. */
export function isOpen({ state }: Pick<RunInvocation, 'state'>): boolean {
  return state === 'planned' || state === 'attempting';
}

/** The instances that were cancelled by name. */
export function cancelledInstances({
  cancelledInstances: parts = [],
}: Pick<Run, 'cancelledInstances'>): ReadonlySet<string> {
  return new Set(parts.flatMap(({ instances }) => instances));
}

/** A new token: a token that the vendor has seen with other instances must not be used again. */
export function nextToken(runId: RunId, tokens: readonly string[]): string {
  const numbers = tokens.map((token) => Number(token.slice(runId.length + 1)));
  return `${runId}-${Math.max(-1, ...numbers) + 1}`;
}

/** The `source` of a trigger that is the firing of a schedule, and not an event from outside. */
export const SCHEDULE_SOURCE = 'schedule';
