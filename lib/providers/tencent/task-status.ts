/**
 * TAT's thirteen task states, mapped to the common status model (the whole table is in docs/status-model.md), and
 * one task's row turned into the port's report.
 */
import type { Started, TaskStatus } from '../../model/status.ts';
import type { TaskReport } from '../provider.ts';
import type { TaskRow } from './actions/invocations.ts';

interface Mapped {
  status: TaskStatus;
  started: Started;
  /** Whether the vendor's ExitCode is the command's: it gives -1 for a kill and for what never started. */
  hasExitCode: boolean;
}

const NOT_STARTED = { started: 'no', hasExitCode: false } as const;
const OPEN = { started: 'maybe', hasExitCode: false } as const;
const STARTED = { started: 'yes', hasExitCode: true } as const;

const MAPPING: ReadonlyMap<string, Mapped> = new Map<string, Mapped>([
  ['PENDING', { status: 'queued', ...NOT_STARTED }],
  ['DELIVERING', { status: 'delivering', ...OPEN }],
  ['DELIVER_DELAYED', { status: 'delivering', ...OPEN }],
  // RUNNING precedes START_FAILED: the agent reports the start before it checks user and directory.
  ['RUNNING', { status: 'running', ...OPEN }],
  ['CANCELLING', { status: 'stopping', ...OPEN }],
  ['SUCCESS', { status: 'succeeded', ...STARTED }],
  ['FAILED', { status: 'failed', ...STARTED }],
  ['TIMEOUT', { status: 'timed_out', ...STARTED }],
  ['TERMINATED', { status: 'terminated', ...STARTED }],
  ['DELIVER_FAILED', { status: 'undelivered', ...NOT_STARTED }],
  ['START_FAILED', { status: 'rejected', ...NOT_STARTED }],
  ['CANCELLED', { status: 'cancelled', ...NOT_STARTED }],
  // The agent went silent: the command may have run, or still runs.
  ['TASK_TIMEOUT', { status: 'lost', ...OPEN }],
]);
const UNKNOWN: Mapped = { status: 'unknown', ...OPEN };

export const TASK_STATUSES: readonly string[] = [...MAPPING.keys()];

/** A name that we do not know is `unknown`, which is never terminal. */
export function mapTaskStatus(providerStatus: string): Mapped {
  return MAPPING.get(providerStatus) ?? UNKNOWN;
}

/** The fields of a task in the list of its invocation. */
export interface BasicTask {
  InvocationTaskId: string;
  InstanceId: string;
  TaskStatus: string;
}

export function reportOfBasicTask(invocationId: string, task: BasicTask): TaskReport {
  const { status, started } = mapTaskStatus(task.TaskStatus);
  return {
    invocationId,
    taskId: task.InvocationTaskId,
    instanceId: task.InstanceId,
    status,
    providerStatus: task.TaskStatus,
    started,
  };
}

/** Everything that the vendor says of a task; an unreadable time or output is left out. */
export function reportOfTask(row: TaskRow): TaskReport {
  const mapped = mapTaskStatus(row.TaskStatus);
  const result = row.TaskResult;
  const report: TaskReport = reportOfBasicTask(row.InvocationId, row);
  if (mapped.hasExitCode && result?.ExitCode !== undefined) report.exitCode = result.ExitCode;
  if (result?.Output !== undefined) report.output = Buffer.from(result.Output, 'base64');
  if (result?.Dropped !== undefined) report.outputDroppedBytes = result.Dropped;
  if (result?.OutputUrl !== undefined && result.OutputUrl !== '') report.outputUrl = result.OutputUrl;
  const deliveryError = deliveryErrorOf(row);
  if (deliveryError !== undefined) report.outputDeliveryError = deliveryError;
  const error = errorOf(row);
  if (error !== undefined) report.error = error;
  // The instance's own clock if it has reported, otherwise the vendor's.
  const startedAt = utc(result?.ExecStartTime) ?? (mapped.started === 'yes' ? utc(row.StartTime) : undefined);
  if (startedAt !== undefined) report.startedAt = startedAt;
  const endedAt = utc(result?.ExecEndTime) ?? utc(row.EndTime);
  if (endedAt !== undefined) report.endedAt = endedAt;
  return report;
}

type TaskError = NonNullable<TaskReport['error']>;

/** The stable beginnings of the agent's ErrorInfo (Tencent/tat-agent v1.1.9), and what to do about each. */
const AGENT_ERRORS: ReadonlyMap<string, string> = new Map([
  ['InvalidCommand', 'The agent cannot read the command: check its content and type.'],
  ['InvalidUser', 'Create the user on the instance, or name another in the rule or command.'],
  [
    'InvalidWorkingDirectory',
    'Create the directory on the instance, or name another in the rule or command.',
  ],
  [
    'ScriptStoreFailed',
    "Check the disk of the instance: the agent cannot write the script to its 'tmp' folder.",
  ],
  ['OutputFileCreateFailed', 'Check the disk of the instance: the agent cannot write the output file.'],
  ['TaskSpawnFailed', 'Check processes and memory of the instance: the agent cannot start a shell.'],
]);

const STATE_ERRORS: ReadonlyMap<string, { message: string; advice: string }> = new Map([
  [
    'DELIVER_FAILED',
    {
      message: 'The command never reached the agent.',
      advice: 'Check that the instance runs and its TAT agent is online; it is safe to run again.',
    },
  ],
  [
    'START_FAILED',
    {
      message: 'The agent could not start the command.',
      advice: 'Check user, directory and content of the command; nothing ran.',
    },
  ],
  [
    'TIMEOUT',
    {
      message: 'The command ran longer than its timeout and was killed.',
      advice: 'Look why it takes so long, or raise the timeout of the rule or command.',
    },
  ],
  [
    'TASK_TIMEOUT',
    {
      message: 'The agent stopped answering: the command may have run, or still runs.',
      advice: 'Look at the instance before anything is run again.',
    },
  ],
]);

function errorOf(row: TaskRow): TaskError | undefined {
  const stated = STATE_ERRORS.get(row.TaskStatus);
  if (row.ErrorInfo !== undefined && row.ErrorInfo !== '') {
    const code = /^[A-Za-z]+(?=:|$)/.exec(row.ErrorInfo)?.[0] ?? row.TaskStatus;
    const advice = AGENT_ERRORS.get(code) ?? stated?.advice;
    return { code, message: row.ErrorInfo, ...(advice === undefined ? {} : { advice }) };
  }
  return stated === undefined ? undefined : { code: row.TaskStatus, ...stated };
}

function deliveryErrorOf(row: TaskRow): TaskReport['outputDeliveryError'] {
  const message = row.TaskResult?.OutputUploadCOSErrorInfo;
  if (message === undefined || message === '') return undefined;
  const advice =
    'The command itself is not affected: check the COS bucket, its region and the TAT service role.';
  return { code: 'OutputUploadFailed', message, advice };
}

/** ISO 8601 in UTC, from `…Z` or `…+00:00`; nothing for what is no time, or no time of ours. */
export function utc(time: string | undefined): string | undefined {
  const ms = time === undefined ? Number.NaN : Date.parse(time);
  // A zero time (year 1 or 1970) is how some of the vendor's services say "none".
  return ms > 0 ? new Date(ms).toISOString() : undefined;
}
