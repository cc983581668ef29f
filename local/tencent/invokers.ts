/** Invokers: what CreateInvoker and ModifyInvoker check alike, and the rows that describe them. */
import * as z from 'zod';
import { fromParameters } from './commands.ts';
import { isId, tags, text, username } from './fields.ts';
import { breach } from './input.ts';
import { parseParameters } from './parameters.ts';
import type { Command, Invoker } from './records.ts';
import { checkAgent, findTargets } from './targets.ts';
import { TatError } from './tat-error.ts';
import { timeText, type World } from './world.ts';

/** The form of every id, whatever it names: the document tells it (`.ID`) from an id of the wrong thing. */
const ID_SHAPE = /^[a-z]+-[a-z0-9]+$/;
const MAX_INSTANCES = 100;

const isShaped = (value: string): boolean => ID_SHAPE.test(value);

function idOf(kind: 'command' | 'invoker', code: string) {
  return z
    .string()
    .refine(isShaped, breach('InvalidParameterValue.ID', 'expected an id'))
    .refine(
      (value) => isId(kind, value),
      breach(code, `expected the id of ${kind === 'command' ? 'a' : 'an'} ${kind}`),
    );
}

export const invokerIdField = idOf('invoker', 'InvalidParameterValue.InvalidInvokerId');

/** @param code for more than 100 */
export function invokerIdsField(code: string) {
  return z
    .array(z.string())
    .refine((list) => list.length <= 100, breach(code, 'expected at most 100 ids'))
    .refine(
      (list) => list.every(isShaped) || list.some(isShaped) === false,
      breach('InvalidParameterValue.InconsistentID', 'expected ids of one form'),
    )
    .refine(
      (list) => list.every((value) => isId('invoker', value)),
      breach('InvalidParameterValue.InvalidInvokerId', 'expected ids like ivk-le1g3x2h'),
    )
    .optional();
}

export const invokerFields = {
  Name: z
    .string()
    .refine((value) => value !== '', breach('InvalidParameter', 'expected a name'))
    .pipe(text(120, 'InvalidParameterValue.TooLong')),
  Type: z
    .string()
    .refine((value) => value === 'SCHEDULE', breach('InvalidParameterValue.Range', 'expected SCHEDULE')),
  CommandId: idOf('command', 'InvalidParameterValue.InvalidCommandId'),
  InstanceIds: z
    .array(z.string())
    .refine((list) => list.length > 0, breach('InvalidParameter', 'expected at least one id'))
    .refine(
      (list) => list.length <= MAX_INSTANCES,
      breach('InvalidParameterValue.TooLong', `expected at most ${MAX_INSTANCES} ids`),
    )
    .refine(
      (list) => list.some(isShaped),
      breach('InvalidParameterValue.ID', 'expected ids like ins-yx05ky8j'),
    )
    .refine(
      (list) => list.every(isShaped),
      breach('InvalidParameterValue.InconsistentID', 'expected ids of one form, like ins-yx05ky8j'),
    )
    .refine(
      (list) => list.every((value) => isId('instance', value)),
      breach('InvalidParameterValue.InvalidInstanceId', 'expected ids of instances, like ins-yx05ky8j'),
    )
    .refine(
      (list) => new Set(list).size === list.length,
      breach('InvalidParameter', 'expected each id once'),
    ),
  Username: text(256, 'InvalidParameterValue.TooLong')
    .pipe(z.union([z.literal(''), username('InvalidParameter')]))
    .optional(),
  Parameters: z.string().optional(),
  ScheduleSettings: z
    .strictObject({
      Policy: z.string(),
      Recurrence: z.string().optional(),
      InvokeTime: z.string().optional(),
    })
    .optional(),
  Tags: tags('InvalidParameterValue.TooLong').optional(),
};

/**
 * Custom parameters of an invoker. Its document knows one code for all that is wrong with them.
 * @throws TatError `InvalidParameterValue.ParameterInvalidJsonFormat`, or `disabled` for a command without parameters
 */
export function parseInvokerParameters(json: string | undefined, command: Command, disabled: string) {
  let parameters: Invoker['parameters'];
  try {
    parameters = parseParameters('Parameters', json);
  } catch (error) {
    if (!(error instanceof TatError)) throw error;
    throw new TatError('InvalidParameterValue.ParameterInvalidJsonFormat', error.message);
  }
  if (fromParameters(parameters).length > 0 && !command.enableParameter) {
    throw new TatError(
      disabled,
      `\`Parameters\` is only for commands with EnableParameter, and \`${command.id}\` has it not.`,
    );
  }
  return parameters;
}

/** @throws TatError InconsistentInstance, InstanceNotFound, AgentNotInstalled, AgentStatusNotOnline */
export function checkInvokerTargets(world: World, instanceIds: readonly string[], region: string): void {
  for (const instance of findTargets(world, instanceIds, region)) checkAgent(instance);
}

/** @param code the documented one of the action for an invoker that is not there */
export function findInvoker(world: World, id: string, region: string, code = 'ResourceNotFound'): Invoker {
  const invoker = world.records.invokers.get(id);
  if (invoker?.region === region) return invoker;
  throw new TatError(code, `The invoker \`${id}\` does not exist in ${region}.`);
}

/** A row of InvokerSet. */
export function invokerRow(invoker: Invoker, nextAt: Date | undefined) {
  const { schedule } = invoker;
  return {
    InvokerId: invoker.id,
    Name: invoker.name,
    Type: 'SCHEDULE',
    CommandId: invoker.commandId,
    Username: invoker.username,
    Parameters: JSON.stringify(invoker.parameters),
    InstanceIds: invoker.instanceIds,
    Enable: invoker.isEnabled,
    ScheduleSettings: {
      Policy: schedule.policy,
      Recurrence: schedule.policy === 'RECURRENCE' ? schedule.recurrence : '',
      // The vendor's model: the next time it fires.
      InvokeTime:
        schedule.policy === 'ONCE' ? schedule.invokeTime : nextAt === undefined ? '' : timeText(nextAt),
    },
    CreatedTime: timeText(invoker.createdAt),
    UpdatedTime: timeText(invoker.updatedAt),
    Tags: invoker.tags,
  };
}
