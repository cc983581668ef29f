import { missingParameter } from '../api-error.ts';
import type { Action } from '../cloud.ts';
import { COMMAND_TYPES } from '../commands.ts';
import { type InvocationRecord, isOver, isRecurring, REPEAT_MODES } from '../invocations.ts';
import { hasInvokeStatus, INVOKE_STATUSES } from '../legacy-status.ts';
import { pageOf } from '../paging.ts';
import type { RpcParameters } from '../rpc-parameters.ts';
import { viewInvocation } from '../views.ts';

/** Lists invocations with the status of each instance: the document in api-docs, to the letter. */
export const describeInvocations: Action = ({ parameters, regionId }, cloud) => {
  const hasOutput = parameters.flag('IncludeOutput') ?? false;
  const onlyInstance = parameters.text('InstanceId');
  if (hasOutput && onlyInstance === undefined && parameters.text('InvokeId') === undefined) {
    throw missingParameter('InvokeId');
  }
  const encoding = parameters.oneOf('ContentEncoding', ['PlainText', 'Base64']) ?? 'Base64';
  const isWanted = readFilter(parameters);
  const records = cloud.invocations.list(regionId).filter(isWanted);
  const { entries, fields } = pageOf(parameters, records, ({ sequence }) => [sequence]);
  return {
    ...fields,
    Invocations: {
      Invocation: entries.map((record) => viewInvocation(record, { encoding, hasOutput, onlyInstance })),
    },
  };
};

function readFilter(parameters: RpcParameters): (record: InvocationRecord) => boolean {
  const instanceId = parameters.text('InstanceId');
  const invokeId = parameters.text('InvokeId');
  const commandId = parameters.text('CommandId');
  const commandType = parameters.oneOf('CommandType', COMMAND_TYPES);
  const resourceGroupId = parameters.text('ResourceGroupId');
  const invokeStatus = parameters.oneOf('InvokeStatus', INVOKE_STATUSES);
  const isTimed = parameters.flag('Timed') ?? false;
  const hasTags = parameters.tagFilter('Tag');
  // These three do not take effect beside InstanceId.
  const repeatMode = parameters.oneOf('RepeatMode', REPEAT_MODES);
  const ofRepeatMode = instanceId === undefined ? repeatMode : undefined;
  const ofCommandName = instanceId === undefined ? parameters.text('CommandName') : undefined;
  const hasNoEffect = invokeStatus === 'PartialFailed' && instanceId !== undefined;
  const ofStatus = hasNoEffect ? undefined : invokeStatus;

  return (record) =>
    (invokeId === undefined || record.invokeId === invokeId) &&
    (commandId === undefined || record.command.commandId === commandId) &&
    (commandType === undefined || record.command.type === commandType) &&
    (ofCommandName === undefined || record.command.name === ofCommandName) &&
    (resourceGroupId === undefined || record.resourceGroupId === resourceGroupId) &&
    (ofRepeatMode === undefined || record.repeatMode === ofRepeatMode) &&
    (instanceId === undefined || record.tasks.some((task) => task.instanceId === instanceId)) &&
    hasTags(record.tags) &&
    (isTimed ? isRecurring(record) : !isRecurring(record) || isOver(record)) &&
    (ofStatus === undefined || hasInvokeStatus(record, ofStatus));
}
