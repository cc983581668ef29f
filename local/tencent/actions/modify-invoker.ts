/** ModifyInvoker: changes what is given. */
import * as z from 'zod';
import { defineAction } from '../action.ts';
import { parseSchedule } from '../crontab.ts';
import {
  checkInvokerTargets,
  findInvoker,
  invokerFields,
  invokerIdField,
  parseInvokerParameters,
} from '../invokers.ts';
import type { Invoker } from '../records.ts';
import { findCommand, now } from '../world.ts';

const { Name, Type, CommandId, InstanceIds, Username, Parameters, ScheduleSettings } = invokerFields;

export const modifyInvoker = defineAction({
  name: 'ModifyInvoker',
  input: z.strictObject({
    InvokerId: invokerIdField,
    Name: Name.optional(),
    Type: Type.optional(),
    CommandId: CommandId.optional(),
    InstanceIds: InstanceIds.optional(),
    Username,
    Parameters,
    ScheduleSettings,
  }),
  run(world, input, { region }) {
    const invoker = findInvoker(world, input.InvokerId, region, 'InvalidParameterValue.InvalidInvokerId');
    const at = now(world);
    const command = findCommand(world, input.CommandId ?? invoker.commandId, region);
    const schedule =
      input.ScheduleSettings === undefined ? invoker.schedule : parseSchedule(input.ScheduleSettings, at);
    if (input.InstanceIds !== undefined) checkInvokerTargets(world, input.InstanceIds, region);
    const changed: Invoker = {
      ...invoker,
      name: input.Name ?? invoker.name,
      commandId: command.id,
      username: input.Username ?? invoker.username,
      parameters:
        input.Parameters === undefined
          ? invoker.parameters
          : parseInvokerParameters(input.Parameters, command, 'InvalidParameterValue.ParameterDisabled'),
      instanceIds: input.InstanceIds ?? invoker.instanceIds,
      schedule,
      updatedAt: at,
    };
    world.records.invokers.set(invoker.id, changed);
    world.scheduler.rearm(changed);
    return {};
  },
});
