/** An ended task whose output is still being stored in a bucket: its end is reported with the address, or with the failure. */
import { isTerminalTask } from '../model/status.ts';
import type { TaskReport } from '../providers/provider.ts';

/** How long after the end of a task to wait for the address of its output. */
const PATIENCE_MS = 2 * 60_000;

type Delivered = Pick<TaskReport, 'status' | 'endedAt' | 'isOutputPending' | 'outputDeliveryError'>;

/** Whether the end must not be reported yet. */
export function awaitsOutput({ status, endedAt, isOutputPending }: Delivered, now: Date): boolean {
  if (isOutputPending !== true || !isTerminalTask(status) || endedAt === undefined) return false;
  return now.getTime() - Date.parse(endedAt) < PATIENCE_MS;
}

/** Marks the delivery of an output that was not stored in time as unknown. */
export function deliveryErrorOf(report: Delivered): TaskReport['outputDeliveryError'] {
  if (report.isOutputPending !== true || !isTerminalTask(report.status)) return report.outputDeliveryError;
  return {
    code: 'output.pending',
    message: `The provider had not stored the output ${PATIENCE_MS / 60_000} minutes after the end.`,
    advice: 'Look into the bucket: the provider may still store it.',
  };
}
