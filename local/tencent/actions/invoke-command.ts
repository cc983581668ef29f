/** InvokeCommand: runs a stored command (document tencent-tat-InvokeCommand). */
import * as z from 'zod';
import { defineAction } from '../action.ts';
import {
  id,
  ids,
  outputCosBucketUrl,
  outputCosKeyPrefix,
  timeout,
  username,
  workingDirectory,
} from '../fields.ts';
import { checkBucket, invoke } from '../invocations.ts';
import { parseParameters } from '../parameters.ts';
import { findCommand } from '../world.ts';

export const invokeCommand = defineAction({
  name: 'InvokeCommand',
  input: z.strictObject({
    CommandId: id('command', 'InvalidParameterValue.InvalidCommandId'),
    InstanceIds: ids({
      kind: 'instance',
      max: 200,
      malformed: 'InvalidParameterValue.InvalidInstanceId',
      tooMany: 'InvalidParameterValue.LimitExceeded',
      invalid: 'InvalidParameterValue',
    }),
    Parameters: z.string().optional(),
    Username: username('InvalidParameter.InvalidUsername').optional(),
    WorkingDirectory: workingDirectory('InvalidParameterValue.InvalidWorkingDirectory').optional(),
    Timeout: timeout('InvalidParameterValue').optional(),
    OutputCOSBucketUrl: outputCosBucketUrl('InvalidParameterValue.InvalidOutputCOSBucketUrl').optional(),
    OutputCOSKeyPrefix: outputCosKeyPrefix('InvalidParameterValue.InvalidOutputCOSKeyPrefix').optional(),
  }),
  run(world, input, { region, lateVisibilityMs }) {
    const parameters = parseParameters('Parameters', input.Parameters);
    checkBucket(world, input.OutputCOSBucketUrl);
    const invocation = invoke(world, {
      region,
      command: findCommand(world, input.CommandId, region),
      instanceIds: input.InstanceIds,
      parameters,
      settings: {
        username: input.Username,
        workingDirectory: input.WorkingDirectory,
        timeoutSeconds: input.Timeout,
        outputCosBucketUrl: input.OutputCOSBucketUrl,
        outputCosKeyPrefix: input.OutputCOSKeyPrefix,
      },
      source: 'USER',
      lateVisibilityMs,
    });
    return { InvocationId: invocation.id };
  },
});
