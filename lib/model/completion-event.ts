/**
 * The completion event: the public report of a run. CloudEvents 1.0; the same fact always has the same id, so that a
 * repeated delivery can be recognised. The JSON Schema in events/schemas/ is generated from this file.
 */
import * as z from 'zod';
import { ApprovalView } from './approval-view.ts';
import { Ancestor } from './chain.ts';
import { ProviderName } from './provider-name.ts';
import { Followed, RunId, Trigger } from './run-request.ts';
import { AggregateStatus, Started, TaskStatus } from './status.ts';

/** Why a run did not succeed: a stable code, and a sentence for the person who is on call. */
export const Reason = z.strictObject({
  code: z.string(),
  message: z.string(),
  advice: z.string().optional(),
});
export type Reason = z.infer<typeof Reason>;

/** The states of a run: those of its tasks together, and our own four. */
export const RunStatus = z.enum([
  'dispatching',
  ...AggregateStatus.options,
  'rejected',
  'expired',
  'unknown',
]);
export type RunStatus = z.infer<typeof RunStatus>;

export const CompletedTask = z.strictObject({
  taskId: z.string(),
  instanceId: z.string(),
  status: TaskStatus,
  /** The provider's own word for it. */
  providerStatus: z.string(),
  started: Started,
  exitCode: z.int().optional(),
  /** Decoded as UTF-8; bytes that are none become U+FFFD. */
  output: z.string().optional(),
  /** Bytes that are missing from `output`: cut by the provider, or by us to keep the event within a message. */
  outputDroppedBytes: z.int().nonnegative(),
  /** Where the provider has stored the whole output, for a rule with `run.output`. */
  outputUrl: z.string().optional(),
  /** The provider could not store the output there; the command itself is not affected. */
  outputDeliveryError: Reason.optional(),
  error: z.strictObject({ code: z.string(), message: z.string(), advice: z.string().optional() }).optional(),
  startedAt: z.string().optional(),
  endedAt: z.string().optional(),
});
export type CompletedTask = z.infer<typeof CompletedTask>;

/** The run that follows an end by `onFailure` or `onSuccess`. */
export const FollowedBy = z.strictObject({ rule: z.string(), runId: RunId });

export const CompletionEventData = z.strictObject({
  runId: z.string(),
  rule: z.string(),
  provider: ProviderName.optional(),
  region: z.string().optional(),
  command: z.string().optional(),
  invocationIds: z.array(z.string()),
  status: RunStatus,
  /** Where `status` is not `succeeded`. */
  reason: Reason.optional(),
  /** How many tasks are in which state. */
  counts: z.partialRecord(TaskStatus, z.int()),
  trigger: Trigger,
  /** The runs that led to this one by their completion events, oldest first; absent where none did. */
  ancestry: z.array(Ancestor).optional(),
  /** The run that it follows by `onFailure` or `onSuccess`; absent where it follows none. */
  after: Followed.optional(),
  /** At its end: the run that follows it. */
  next: FollowedBy.optional(),
  /** Of `run.waiting`: what it waits for. */
  waitingFor: Reason.extend({ until: z.string().optional() }).optional(),
  /** Of `run.waiting`: who may approve it until when, and what will run. */
  approval: ApprovalView.optional(),
  startedAt: z.string().optional(),
  endedAt: z.string().optional(),
  tasks: z.array(CompletedTask),
  /** Tasks that did not fit in the event; `counts` counts them, and each has had its own event. */
  tasksOmitted: z.int().positive().optional(),
  /** Present where we left something out to keep the event within a message: the path of the API that has it all. */
  wholeRun: z.string().optional(),
});
export type CompletionEventData = z.infer<typeof CompletionEventData>;

export const CompletionEventType = z.enum([
  'fleet-reflex.run.waiting',
  'fleet-reflex.run.started',
  'fleet-reflex.task.completed',
  'fleet-reflex.run.completed',
  'fleet-reflex.run.rejected',
]);
export type CompletionEventType = z.infer<typeof CompletionEventType>;

export const CompletionEvent = z.strictObject({
  specversion: z.literal('1.0'),
  /** Made of run, task and state. */
  id: z.string(),
  type: CompletionEventType,
  /** `/fleet-reflex/<stage>/rules/<rule>` */
  source: z.string(),
  /** The run id. */
  subject: z.string(),
  time: z.iso.datetime(),
  datacontenttype: z.literal('application/json'),
  traceparent: z.string().optional(),
  data: CompletionEventData,
});
export type CompletionEvent = z.infer<typeof CompletionEvent>;
