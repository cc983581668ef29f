/** CancelInvocation: all of an invocation, or some of its instances (document tencent-tat-CancelInvocation). */
import * as z from 'zod';
import { defineAction } from '../action.ts';
import { id, ids, text } from '../fields.ts';
import { cancelTask } from '../runner.ts';
import { TatError } from '../tat-error.ts';

export const cancelInvocation = defineAction({
  name: 'CancelInvocation',
  input: z.strictObject({
    InvocationId: text(64, 'InvalidParameterValue.TooLong').pipe(
      id('invocation', 'InvalidParameterValue.InvalidInvocationId'),
    ),
    InstanceIds: ids({
      kind: 'instance',
      max: 100,
      malformed: 'InvalidParameterValue.InvalidInstanceId',
      tooMany: 'InvalidParameterValue.LimitExceeded',
      invalid: 'InvalidParameterValue',
    }).optional(),
  }),
  run(world, input, { region }) {
    const invocation = world.records.invocations.get(input.InvocationId);
    if (invocation?.region !== region) {
      throw new TatError(
        'ResourceNotFound.InvocationNotFound',
        `The invocation \`${input.InvocationId}\` does not exist in ${region}.`,
      );
    }
    const wanted = input.InstanceIds ?? invocation.tasks.map(({ instanceId }) => instanceId);
    const tasks = wanted.map((instanceId) => {
      const task = invocation.tasks.find((candidate) => candidate.instanceId === instanceId);
      if (task !== undefined) return task;
      throw new TatError(
        'InvalidParameterValue.InstanceIsNotRelatedToInvocation',
        `The invocation \`${invocation.id}\` has no task on the instance \`${instanceId}\`.`,
      );
    });
    for (const task of tasks) cancelTask(world, task);
    return {};
  },
});
