/** A task that has ended, while its output is still on the way to a bucket: the end is told with the address, or why not. */
import { isTerminalTask } from '../model/status.ts';
import type { TaskReport } from '../providers/provider.ts';

/** How long after the end of a task the address of its output is waited for. */
const PATIENCE_MS = 2 * 60_000;

type Delivered = Pick<TaskReport, 'status' | 'endedAt' | 'isOutputPending' | 'outputDeliveryError'>;

/** Whether the end is not to be told yet. */
export function awaitsOutput({ status, endedAt, isOutputPending }: Delivered, now: Date): boolean {
  if (isOutputPending !== true || !isTerminalTask(status) || endedAt === undefined) return false;
  return now.getTime() - Date.parse(endedAt) < PATIENCE_MS;
}

/** Says of an output that was not stored in time that nobody knows. */
export function deliveryErrorOf(report: Delivered): TaskReport['outputDeliveryError'] {
  if (report.isOutputPending !== true || !isTerminalTask(report.status)) return report.outputDeliveryError;
  return {
    code: 'output.pending',
    message: `The provider had not stored the output ${PATIENCE_MS / 60_000} minutes after the end.`,
    advice: 'Look into the bucket: the provider may still store it.',
  };
}
