/** Every action that the local TAT knows: what is not here is answered with InvalidAction. */
import type { Action } from '../action.ts';
import { cancelInvocation } from './cancel-invocation.ts';
import { createCommand } from './create-command.ts';
import { createInvoker } from './create-invoker.ts';
import { deleteCommand, deleteCommands } from './delete-command.ts';
import { describeAutomationAgentStatus } from './describe-automation-agent-status.ts';
import { describeCommands } from './describe-commands.ts';
import { describeInstances } from './describe-instances.ts';
import { describeInvocationTasks } from './describe-invocation-tasks.ts';
import { describeInvocations } from './describe-invocations.ts';
import { describeInvokerRecords } from './describe-invoker-records.ts';
import { describeInvokers } from './describe-invokers.ts';
import { describeQuotas } from './describe-quotas.ts';
import { invokeCommand } from './invoke-command.ts';
import { modifyCommand } from './modify-command.ts';
import { modifyInvoker } from './modify-invoker.ts';
import { previewReplacedCommandContent } from './preview-replaced-command-content.ts';
import { runCommand } from './run-command.ts';
import { deleteInvoker, disableInvoker, enableInvoker } from './switch-invoker.ts';

export const ACTIONS: ReadonlyMap<string, Action> = new Map(
  [
    invokeCommand,
    runCommand,
    cancelInvocation,
    describeInstances,
    describeInvocations,
    describeInvocationTasks,
    createCommand,
    modifyCommand,
    deleteCommand,
    deleteCommands,
    describeCommands,
    previewReplacedCommandContent,
    describeAutomationAgentStatus,
    createInvoker,
    modifyInvoker,
    enableInvoker,
    disableInvoker,
    deleteInvoker,
    describeInvokers,
    describeInvokerRecords,
    describeQuotas,
  ].map((action) => [action.name, action]),
);
