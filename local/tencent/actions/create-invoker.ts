/** CreateInvoker: a command that runs once later, or recurs (document tencent-tat-CreateInvoker). */
import * as z from 'zod';
import { defineAction } from '../action.ts';
import { parseSchedule } from '../crontab.ts';
import { newId } from '../ids.ts';
import { checkInvokerTargets, invokerFields, parseInvokerParameters } from '../invokers.ts';
import type { Invoker } from '../records.ts';
import { TatError } from '../tat-error.ts';
import { findCommand, now } from '../world.ts';

export const createInvoker = defineAction({
  name: 'CreateInvoker',
  input: z.strictObject(invokerFields),
  run(world, input, { region }) {
    const at = now(world);
    if (input.ScheduleSettings === undefined) {
      throw new TatError(
        'MissingParameter',
        'The request is missing a required parameter `ScheduleSettings` (Type SCHEDULE).',
      );
    }
    const schedule = parseSchedule(input.ScheduleSettings, at);
    const command = findCommand(world, input.CommandId, region);
    const parameters = parseInvokerParameters(input.Parameters, command, 'InvalidParameter');
    checkInvokerTargets(world, input.InstanceIds, region);
    const invoker: Invoker = {
      id: newId('ivk'),
      region,
      name: input.Name,
      commandId: command.id,
      username: input.Username ?? '',
      parameters,
      instanceIds: input.InstanceIds,
      isEnabled: true,
      schedule,
      tags: input.Tags ?? [],
      createdAt: at,
      updatedAt: at,
    };
    world.records.invokers.set(invoker.id, invoker);
    world.scheduler.rearm(invoker);
    return { InvokerId: invoker.id };
  },
});
