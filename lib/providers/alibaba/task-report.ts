/** One instance of a Cloud Assistant invocation as a task report of the common model. */
import { isTerminalTask } from '../../runs/status.ts';
import type { TaskReport } from '../provider.ts';
import type { InvokeInstance } from './answers.ts';
import { INSTANCE_ERROR_ADVICE } from './instance-errors.ts';
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
    vendorStatus: row.InvocationStatus,
    started,
    // The vendor fills in 0 for commands that never ran, and for a lost one nobody knows.
    ...(hasEnded && started === 'yes' && typeof row.ExitCode === 'number' && { exitCode: row.ExitCode }),
    ...(hasEnded && hasOutput && { output: Buffer.from(row.Output ?? '', 'base64') }),
    ...(hasEnded && typeof row.Dropped === 'number' && { outputDroppedBytes: row.Dropped }),
    ...(row.OssOutputUri && { outputUrl: row.OssOutputUri }),
    ...errorOf(row, status === 'succeeded'),
    ...(startedAt && { startedAt }),
    ...(endedAt && { endedAt }),
  };
}

/** The document's own example pairs Success with an error code: what succeeded has none. */
function errorOf(row: InvokeInstance, hasSucceeded: boolean): Pick<TaskReport, 'error'> {
  const code = row.ErrorCode ?? '';
  if (code === '' || hasSucceeded) return {};
  const advice = Object.hasOwn(INSTANCE_ERROR_ADVICE, code) ? INSTANCE_ERROR_ADVICE[code] : undefined;
  return { error: { code, message: row.ErrorInfo ?? '', ...(advice !== undefined && { advice }) } };
}

/** ISO 8601 in UTC; absent where the vendor leaves it empty. */
function instant(text: string | null | undefined): string | undefined {
  if (text === undefined || text === null || text === '') return undefined;
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}
