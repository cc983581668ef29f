import { missingParameter } from '../api-error.ts';
import type { Action } from '../cloud.ts';
import {
  type InstanceTask,
  type InvocationRecord,
  isOver,
  isRecurring,
  type TaskRun,
} from '../invocations.ts';
import { legacyInstanceStatus } from '../legacy-status.ts';
import { pageOf } from '../paging.ts';
import { viewResult } from '../views.ts';

const RECORD_STATUSES = [
  'Running',
  'Finished',
  'Success',
  'Failed',
  'PartialFailed',
  'Stopped',
  'Stopping',
] as const;

interface Row {
  record: InvocationRecord;
  task: InstanceTask;
  run: TaskRun;
  repeats: number;
  key: number[];
}

/** One row for each instance, and with IncludeHistory one for each run of a recurring command. */
export const describeInvocationResults: Action = ({ parameters, regionId }, cloud) => {
  const invokeId = parameters.text('InvokeId');
  const hasHistory = parameters.flag('IncludeHistory') ?? false;
  if (hasHistory && invokeId === undefined) throw missingParameter('InvokeId');
  const commandId = parameters.text('CommandId');
  const instanceId = parameters.text('InstanceId');
  const resourceGroupId = parameters.text('ResourceGroupId');
  const status = parameters.oneOf('InvokeRecordStatus', RECORD_STATUSES);
  const encoding = parameters.oneOf('ContentEncoding', ['PlainText', 'Base64']) ?? 'Base64';
  const hasTags = parameters.tagFilter('Tag');
  const rows = cloud.invocations
    .list(regionId)
    .filter(
      (record) =>
        (invokeId === undefined || record.invokeId === invokeId) &&
        (commandId === undefined || record.command.commandId === commandId) &&
        (resourceGroupId === undefined || record.resourceGroupId === resourceGroupId) &&
        hasTags(record.tags),
    )
    .flatMap((record) => rowsOf(record, hasHistory))
    .filter(({ task }) => instanceId === undefined || task.instanceId === instanceId)
    .filter(({ record, run }) => status === undefined || hasRecordStatus(record, run, status));
  const { entries, fields } = pageOf(parameters, rows, ({ key }) => key);
  return {
    Invocation: {
      ...fields,
      InvocationResults: {
        InvocationResult: entries.map(({ record, task, run, repeats }) =>
          viewResult(record, task, run, { encoding, repeats }),
        ),
      },
    },
  };
};

/** In the order of the invocation's instances; of one instance the newest run first. */
function rowsOf(record: InvocationRecord, hasHistory: boolean): Row[] {
  const { tasks } = record;
  return tasks.flatMap((task, index): Row[] => {
    const place = [record.sequence, tasks.length - index];
    if (!hasHistory || !isRecurring(record)) {
      return [{ record, task, run: task, repeats: task.repeats, key: [...place, 0] }];
    }
    const isRunning = task.status === 'Running' || task.status === 'Stopping';
    return [...task.history, ...(isRunning ? [task] : [])]
      .map((run, at) => ({ record, task, run, repeats: at + 1, key: [...place, at + 1] }))
      .reverse();
  });
}

/**
 * A recurring command is Running until it is stopped by hand, and never Finished, Failed or PartialFailed; of one that
 * runs once either word counts.
 */
function hasRecordStatus(record: InvocationRecord, run: TaskRun, wanted: string): boolean {
  const legacy = legacyInstanceStatus(run.status, { isTimed: isRecurring(record), isOver: isOver(record) });
  return legacy === wanted || (!isRecurring(record) && run.status === wanted);
}
