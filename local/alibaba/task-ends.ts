/**
 * How a run on one instance ends: why it cannot begin, what its process came to, and each `ErrorCode` of the document
 * on demand. Which code goes with which status is not documented; the pairs are inferred from the names.
 */
import type { InstanceStatus } from '../../lib/providers/alibaba/task-status.ts';
import type { FleetInstance } from '../fleet/fleet-file.ts';
import type { TaskEnd } from '../fleet/task.ts';
import { fitsOs, type StoredCommand } from './commands.ts';
import type { TaskFault } from './faults.ts';
import { INSTANCE_ERRORS, type InstanceErrorCode } from './instance-errors.ts';
import type { TaskRun } from './invocations.ts';

export const NO_RUN: TaskRun = {
  status: 'Pending',
  exitCode: undefined,
  errorCode: '',
  errorInfo: '',
  output: Buffer.alloc(0),
  dropped: 0,
  startedAt: undefined,
  finishedAt: undefined,
  delivery: undefined,
};

export interface Problem {
  status: InstanceStatus;
  code: InstanceErrorCode;
}

/** Whether the fault prevents the start of the command, or occurs while it runs. */
type When = 'before' | 'after';

const FORCED: Readonly<Record<InstanceErrorCode, { status: InstanceStatus; when: When }>> = {
  InstanceNotExists: { status: 'Aborted', when: 'before' },
  InstanceReleased: { status: 'Error', when: 'after' },
  InstanceNotRunning: { status: 'Aborted', when: 'before' },
  CommandNotApplicable: { status: 'Invalid', when: 'before' },
  AccountNotExists: { status: 'Invalid', when: 'before' },
  DirectoryNotExists: { status: 'Invalid', when: 'before' },
  BadCronExpression: { status: 'Invalid', when: 'before' },
  ClientNotRunning: { status: 'Aborted', when: 'before' },
  ClientNotResponse: { status: 'Error', when: 'after' },
  ClientIsUpgrading: { status: 'Aborted', when: 'before' },
  ClientNeedUpgrade: { status: 'Error', when: 'before' },
  DeliveryTimeout: { status: 'Aborted', when: 'before' },
  ExecutionTimeout: { status: 'Timeout', when: 'after' },
  ExecutionException: { status: 'Error', when: 'after' },
  ExecutionInterrupted: { status: 'Error', when: 'after' },
  ExitCodeNonzero: { status: 'Failed', when: 'after' },
  SecurityGroupRuleDenied: { status: 'Aborted', when: 'before' },
  TaskConcurrencyLimit: { status: 'Aborted', when: 'before' },
};

/** @returns undefined where the fault only makes it wait */
export function forcedEnd(fault: TaskFault | undefined): (Problem & { when: When }) | undefined {
  if (fault === undefined) return undefined;
  const { status, errorCode } = fault;
  const code = errorCode ?? (status === 'Aborted' ? 'DeliveryTimeout' : 'ClientNotResponse');
  if (errorCode === undefined && status === 'Pending') return undefined;
  const usual = FORCED[code];
  return { ...usual, code, ...(status !== undefined && status !== 'Pending' && { status }) };
}

/** @param isLate whether the time to reach the instance is over. @returns undefined: deliver, or try again */
export function problemOf(
  instance: FleetInstance | undefined,
  command: StoredCommand,
  isLate: boolean,
): Problem | undefined {
  if (instance === undefined) return { status: 'Aborted', code: 'InstanceNotExists' };
  if (instance.state !== 'running') return { status: 'Aborted', code: 'InstanceNotRunning' };
  if (instance.agent === 'not-installed') return { status: 'Aborted', code: 'ClientNotRunning' };
  if (instance.agent === 'offline')
    return isLate ? { status: 'Aborted', code: 'DeliveryTimeout' } : undefined;
  if (!fitsOs(command, instance)) return { status: 'Invalid', code: 'CommandNotApplicable' };
  // Windows instances exist in the local fleet and run nothing.
  return instance.os === 'windows' ? { status: 'Error', code: 'ExecutionException' } : undefined;
}

/** A run that never started. */
export function refusedRun({ status, code }: Problem): TaskRun {
  return { ...NO_RUN, status, ...failed(code) };
}

/** A run that something befell: the agent has reported its output until then, unless it went silent. */
export function brokenRun(
  { status, code }: Problem,
  sofar: { startedAt: Date | undefined; output: Buffer; dropped: number; now: Date },
): TaskRun {
  const { now, ...seen } = sofar;
  const hasExit = status === 'Failed' || status === 'Timeout';
  if (code === 'ClientNotResponse') return { ...NO_RUN, startedAt: seen.startedAt, status, ...failed(code) };
  return {
    ...NO_RUN,
    ...seen,
    status,
    ...failed(code),
    finishedAt: now,
    exitCode: hasExit ? 1 : undefined,
  };
}

/** A run whose process has ended, or could not begin. */
export function runOf(end: TaskEnd): TaskRun {
  const base: TaskRun = {
    ...NO_RUN,
    output: end.output,
    dropped: end.dropped,
    startedAt: end.startedAt,
    finishedAt: end.endedAt,
  };
  switch (end.outcome) {
    case 'exited':
      if (end.exitCode === 0) return { ...base, status: 'Success', exitCode: 0 };
      return { ...base, status: 'Failed', exitCode: end.exitCode, ...failed('ExitCodeNonzero') };
    case 'timed_out':
      // 1, as the agent reports it; TAT has -1
      return { ...base, status: 'Timeout', exitCode: 1, ...failed('ExecutionTimeout') };
    case 'killed':
      // Killed before it was a process: it never started.
      if (end.startedAt === undefined) return { ...base, status: 'Cancelled' };
      return { ...base, status: 'Terminated', exitCode: 1 };
    case 'start_failed': {
      if (end.errorInfo.startsWith('InvalidUser'))
        return { ...base, status: 'Invalid', ...failed('AccountNotExists') };
      if (end.errorInfo.startsWith('InvalidWorkingDirectory')) {
        return { ...base, status: 'Invalid', ...failed('DirectoryNotExists') };
      }
      return { ...base, status: 'Error', ...failed('ExecutionException') };
    }
  }
}

/** The agent's error for a process that cannot be started. */
export function neverStarted(errorInfo: string, endedAt: Date): TaskEnd {
  return {
    outcome: 'start_failed',
    exitCode: -1,
    output: Buffer.alloc(0),
    dropped: 0,
    endedAt,
    errorInfo,
  };
}

function failed(code: InstanceErrorCode): Pick<TaskRun, 'errorCode' | 'errorInfo'> {
  return { errorCode: code, errorInfo: INSTANCE_ERRORS[code] };
}
