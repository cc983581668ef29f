/** One instance of a Cloud Assistant invocation as a task report of the common model. */
import { isTerminalTask } from '../../model/status.ts';
import type { TaskReport } from '../provider.ts';
import type { InvokeInstance } from './answers.ts';
import { INSTANCE_ERROR_ADVICE } from './instance-errors.ts';
import { readOssDelivery } from './oss-delivery.ts';
import { mapInstanceStatus } from './task-status.ts';

/** Cloud Assistant names no tasks: an instance stands once in an invocation. */
export function taskIdOf(invocationId: string, instanceId: string): string {
  return `${invocationId}/${instanceId}`;
}

/** @param hasOutput whether the row was asked for with IncludeOutput and ContentEncoding Base64 */
export function reportTask(invocationId: string, row: InvokeInstance, hasOutput: boolean): TaskReport {
  const { status, started } = mapInstanceStatus(
    row.InvocationStatus,
    row.ErrorCode ?? undefined,
    row.Repeats ?? undefined,
  );
  const hasEnded = isTerminalTask(status);
  const hasRun = started !== 'no';
  const startedAt = hasRun ? instant(row.StartTime) : undefined;
  const endedAt = hasEnded ? (instant(row.FinishTime) ?? instant(row.StopTime)) : undefined;
  return {
    invocationId,
    taskId: taskIdOf(invocationId, row.InstanceId),
    instanceId: row.InstanceId,
    status,
    providerStatus: row.InvocationStatus,
    started,
    // The vendor fills in 0 for commands that never ran; for a lost one the exit code is unknown.
    ...(hasEnded && started === 'yes' && typeof row.ExitCode === 'number' && { exitCode: row.ExitCode }),
    ...(hasEnded && hasOutput && { output: Buffer.from(row.Output ?? '', 'base64') }),
    ...(hasEnded && typeof row.Dropped === 'number' && { outputDroppedBytes: row.Dropped }),
    ...(hasEnded && readOssDelivery(row)),
    ...errorOf(row, status === 'succeeded'),
    ...(startedAt && { startedAt }),
    ...(endedAt && { endedAt }),
  };
}

/** For a state that comes without an ErrorCode: the document's words, and what to do. */
const STATE_ERRORS: Readonly<Record<string, { message: string; advice: string }>> = {
  Aborted: {
    message: 'The command could not be sent to the instance within a minute.',
    advice: 'Check that the instance runs and its agent is online; it is safe to run again.',
  },
  Invalid: {
    message: 'The command type or a parameter is not correct for the instance.',
    advice: 'Check user, directory and type of the command; nothing ran.',
  },
  Timeout: {
    message: 'The command ran longer than its timeout and was killed.',
    advice: 'Look why it takes so long, or raise the timeout of the rule or command.',
  },
  Error: {
    message: 'An abnormal condition kept the command from going on.',
    advice: 'Look at the instance before anything is run again: the command may have run.',
  },
};

/** The document's own example pairs Success with an error code: what succeeded has none. */
function errorOf(row: InvokeInstance, hasSucceeded: boolean): Pick<TaskReport, 'error'> {
  const code = row.ErrorCode ?? '';
  if (hasSucceeded) return {};
  if (code === '') {
    const hasWords = Object.hasOwn(STATE_ERRORS, row.InvocationStatus);
    const stated = hasWords ? STATE_ERRORS[row.InvocationStatus] : undefined;
    return stated === undefined ? {} : { error: { code: row.InvocationStatus, ...stated } };
  }
  const advice = Object.hasOwn(INSTANCE_ERROR_ADVICE, code) ? INSTANCE_ERROR_ADVICE[code] : undefined;
  return { error: { code, message: row.ErrorInfo ?? '', ...(advice !== undefined && { advice }) } };
}

/** ISO 8601 in UTC; absent where the vendor leaves it empty, or writes the year 1 or 1970 for none. */
function instant(text: string | null | undefined): string | undefined {
  const time = new Date(text ?? Number.NaN);
  return time.getTime() > 0 ? time.toISOString() : undefined;
}
