import { apiError } from '../api-error.ts';
import type { Action } from '../cloud.ts';
import { checkDefinedParameters, readContent } from '../command-content.ts';
import { fitsOs } from '../commands.ts';
import { aTask, isOver, isRecurring } from '../invocations.ts';
import { checkedFrequency, readValues } from '../new-invocation.ts';

/** Changes an invocation that is still to run: its schedule, content, parameters; adds instances. */
export const modifyInvocationAttribute: Action = ({ parameters, regionId }, cloud) => {
  const record = cloud.invocations.get(parameters.required('InvokeId'), regionId);
  if (!isRecurring(record)) throw apiError('InvalidOperation.RepeatModeUnsupported');
  if (isOver(record)) throw apiError('InvalidOperation.InvokeAlreadyFinished');

  const frequencyText = parameters.text('Frequency');
  const frequency =
    frequencyText === undefined
      ? undefined
      : checkedFrequency(frequencyText, record.timeoutSeconds, cloud.now());
  if (frequencyText !== undefined && frequency === undefined) throw apiError('InvalidParameter.Frequency');

  const sent = parameters.text('CommandContent');
  const content =
    sent === undefined ? record.content : readContent(sent, parameters.text('ContentEncoding'), false);
  const enableParameter = parameters.flag('EnableParameter') === true || record.command.enableParameter;
  if (enableParameter) checkDefinedParameters(content);
  const {
    commandId: _old,
    createdAt: _then,
    sequence: _place,
    invokeTimes: _count,
    ...rest
  } = record.command;
  const changed = { ...rest, content, enableParameter };
  const values =
    parameters.text('Parameters') === undefined
      ? record.parameters
      : readValues(parameters, { ...record.command, ...changed });

  const known = new Set(record.tasks.map(({ instanceId }) => instanceId));
  const added = [...new Set(parameters.list('InstanceId'))].filter((instanceId) => !known.has(instanceId));
  const instances = new Map(cloud.instancesIn(regionId).map((instance) => [instance.id, instance]));
  for (const instanceId of added) {
    const instance = instances.get(instanceId);
    if (instance === undefined) throw apiError('InvalidInstanceId.NotFound');
    if (!fitsOs(record.command, instance)) throw apiError('InvalidInstance.NotMatch');
  }

  // A new command only when the content changed; else the one that runs is answered.
  const command = content === record.content ? record.command : cloud.commands.add({ ...changed, regionId });
  Object.assign(record, { command, content, parameters: values });
  record.tasks.push(...added.map((instanceId) => aTask(instanceId, 'Scheduled', cloud.now())));
  if (frequency !== undefined && frequencyText !== undefined && record.repeatMode === 'Period') {
    Object.assign(record, { frequency, frequencyText });
    cloud.runner.reschedule(record);
  }
  return { CommandId: command.commandId };
};
