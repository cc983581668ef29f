/** DescribeAutomationAgentStatus: the agents; an instance without one is not listed. */
import * as z from 'zod';
import type { FleetInstance } from '../../fleet/fleet-file.ts';
import { defineAction } from '../action.ts';
import { type FilterRules, idsField, list, listingFields, PLAIN_CODES } from '../listing.ts';
import { now, timeText } from '../world.ts';

const AGENT_VERSION = '1.1.9';
/** An agent pings each two minutes and is dead after three that were not answered. */
const SILENT_MS = 6 * 60_000;

const filters: FilterRules<FleetInstance> = {
  'agent-status': { valuesOf: (row) => [agentStatus(row)], oneOf: ['Online', 'Offline'] },
  environment: { valuesOf: (row) => [environment(row)], oneOf: ['Linux', 'Windows'] },
  'instance-id': {
    valuesOf: (row) => [row.id],
    id: { kind: 'instance', code: 'InvalidParameterValue.InvalidInstanceId' },
  },
};

export const describeAutomationAgentStatus = defineAction({
  name: 'DescribeAutomationAgentStatus',
  input: z.strictObject({
    InstanceIds: idsField('instance', 'InvalidParameterValue.InvalidInstanceId'),
    ...listingFields(PLAIN_CODES),
  }),
  run(world, input, { region }) {
    const rows = [...world.engine.instances.values()].filter(
      (instance) =>
        instance.provider === 'tencent' &&
        (instance.region ?? region) === region &&
        instance.agent !== 'not-installed',
    );
    const { total, page } = list(
      rows,
      input,
      { parameter: 'InstanceIds', ids: input.InstanceIds, of: (row) => row.id },
      filters,
    );
    const at = now(world).getTime();
    return {
      TotalCount: total,
      AutomationAgentSet: page.map((row) => ({
        InstanceId: row.id,
        Version: AGENT_VERSION,
        LastHeartbeatTime: timeText(new Date(agentStatus(row) === 'Online' ? at : at - SILENT_MS)),
        AgentStatus: agentStatus(row),
        Environment: environment(row),
        SupportFeatures: [],
      })),
    };
  },
});

function agentStatus(instance: FleetInstance): 'Online' | 'Offline' {
  return instance.agent === 'online' && instance.state === 'running' ? 'Online' : 'Offline';
}

function environment(instance: FleetInstance): 'Linux' | 'Windows' {
  return instance.os === 'windows' ? 'Windows' : 'Linux';
}
