import { apiError } from '../api-error.ts';
import type { Action } from '../cloud.ts';

const MOST_INSTANCES = 50;

/** Stops all of an invocation, or some instances of it. */
export const stopInvocation: Action = ({ parameters, regionId }, cloud) => {
  const invokeId = parameters.required('InvokeId');
  const instanceIds = parameters.list('InstanceId');
  if (instanceIds.length > MOST_INSTANCES) throw apiError('InstanceIds.ExceedLimit');
  const record = cloud.invocations.get(invokeId, regionId);
  const known = new Set(record.tasks.map(({ instanceId }) => instanceId));
  if (instanceIds.some((instanceId) => !known.has(instanceId))) throw apiError('InvalidInstanceId.NotFound');
  cloud.runner.stop(record, instanceIds.length === 0 ? undefined : instanceIds);
  return {};
};
