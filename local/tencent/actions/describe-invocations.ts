/** DescribeInvocations: invocations with the states of their tasks, the newest first. */
import * as z from 'zod';
import { defineAction } from '../action.ts';
import { invocationStatus, isEnded } from '../aggregate.ts';
import { base64, defaultParametersText } from '../commands.ts';
import { visibleInvocations } from '../invocations.ts';
import { type FilterRules, filterValues, idsField, list, listingFields, PLAIN_CODES } from '../listing.ts';
import type { Invocation } from '../records.ts';
import { timeText } from '../world.ts';

const filters: FilterRules<Invocation> = {
  'invocation-id': {
    valuesOf: (row) => [row.id],
    id: { kind: 'invocation', code: 'InvalidParameterValue.InvalidInvocationId' },
  },
  'command-id': {
    valuesOf: (row) => [row.command.id],
    id: { kind: 'command', code: 'InvalidParameterValue.InvalidCommandId' },
  },
  'command-created-by': { valuesOf: () => ['USER'], oneOf: ['TAT', 'USER'] },
  'instance-kind': { valuesOf: (row) => [row.kind], oneOf: ['CVM', 'LIGHTHOUSE', 'REGISTERINST'] },
};

export const describeInvocations = defineAction({
  name: 'DescribeInvocations',
  input: z.strictObject({
    InvocationIds: idsField(
      'invocation',
      'InvalidParameterValue.InvalidInvocationId',
      'InvalidParameterValue.LimitExceeded',
    ),
    ...listingFields({ ...PLAIN_CODES, tooManyValues: 'LimitExceeded.FilterValueExceeded' }),
  }),
  run(world, input, { region }) {
    const { total, page } = list(
      visibleInvocations(world, region, input.InvocationIds ?? filterValues(input, 'invocation-id')),
      input,
      { parameter: 'InvocationIds', ids: input.InvocationIds, of: (row) => row.id },
      filters,
    );
    return { TotalCount: total, InvocationSet: page.map(invocationRow) };
  },
});

function invocationRow(invocation: Invocation) {
  const { command, tasks } = invocation;
  const started = tasks.flatMap(({ startedAt }) => startedAt ?? []).map((time) => time.getTime());
  const ended = tasks.flatMap(({ endedAt }) => endedAt ?? []).map((time) => time.getTime());
  const updated = tasks.map(({ updatedAt }) => updatedAt.getTime());
  const hasEnded = tasks.every(({ status }) => isEnded(status));
  return {
    InvocationId: invocation.id,
    CommandId: command.id,
    CommandName: command.name,
    InvocationStatus: invocationStatus(tasks.map(({ status }) => status)),
    InvocationTaskBasicInfoSet: tasks.map(({ id, status, instanceId }) => ({
      InvocationTaskId: id,
      TaskStatus: status,
      InstanceId: instanceId,
    })),
    Description: command.description,
    StartTime: started.length > 0 ? timeText(new Date(Math.min(...started))) : null,
    EndTime: hasEnded ? timeText(new Date(Math.max(...ended))) : null,
    CreatedTime: timeText(invocation.createdAt),
    UpdatedTime: timeText(new Date(Math.max(...updated))),
    Parameters: JSON.stringify(invocation.parameters),
    DefaultParameters: defaultParametersText(command),
    InstanceKind: invocation.kind,
    Username: invocation.username,
    InvocationSource: invocation.source,
    CommandContent: base64(command.content),
    CommandType: command.type,
    Timeout: invocation.timeoutSeconds,
    WorkingDirectory: invocation.workingDirectory,
    OutputCOSBucketUrl: invocation.outputCosBucketUrl,
    OutputCOSKeyPrefix: invocation.outputCosKeyPrefix,
  };
}
