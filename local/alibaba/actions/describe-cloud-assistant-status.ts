import { hasFinished } from '../aggregate.ts';
import type { Action } from '../cloud.ts';
import { pageOf } from '../paging.ts';
import { time } from '../views.ts';

const VERSION = '2.2.4.1008';

/** Whether the agent of each instance answers: as text, `"true"` or `"false"`. */
export const describeCloudAssistantStatus: Action = ({ parameters, regionId }, cloud) => {
  const wanted = parameters.list('InstanceId');
  const osType = parameters.oneOf('OSType', ['Windows', 'Linux', 'FreeBSD']);
  const instances = cloud
    .instancesIn(regionId)
    .filter(({ id }) => wanted.length === 0 || wanted.includes(id))
    .filter(({ os }) => osType === undefined || osType.toLowerCase() === os);
  // MaxResults and NextToken do not count beside InstanceId.
  const page =
    wanted.length > 0
      ? {
          entries: instances,
          fields: { PageNumber: 1, PageSize: instances.length, TotalCount: instances.length, NextToken: '' },
        }
      : pageOf(parameters, instances, (instance) => [instances.length - instances.indexOf(instance)]);
  const invocations = cloud.invocations.list(regionId);
  return {
    ...page.fields,
    InstanceCloudAssistantStatusSet: {
      InstanceCloudAssistantStatus: page.entries.map(({ id, os, agent, state }) => {
        const tasks = invocations.flatMap((record) =>
          record.tasks.filter(({ instanceId }) => instanceId === id),
        );
        const isOnline = agent === 'online' && state === 'running';
        return {
          InstanceId: id,
          CloudAssistantStatus: String(isOnline),
          CloudAssistantVersion: agent === 'not-installed' ? '' : VERSION,
          LastHeartbeatTime: isOnline ? time(cloud.now()) : '',
          LastInvokedTime: time(tasks[0]?.createdAt),
          InvocationCount: tasks.length,
          ActiveTaskCount: tasks.filter(({ status }) => !hasFinished(status)).length,
          OSType: os === 'windows' ? 'Windows' : 'Linux',
          SupportSessionManager: false,
        };
      }),
    },
  };
};
