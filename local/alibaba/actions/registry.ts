/** The supported actions of the local Cloud Assistant. */
import type { Action } from '../cloud.ts';
import { createCommand } from './create-command.ts';
import { deleteCommand } from './delete-command.ts';
import { describeCloudAssistantStatus } from './describe-cloud-assistant-status.ts';
import { describeCommands } from './describe-commands.ts';
import { describeInstances } from './describe-instances.ts';
import { describeInvocationResults } from './describe-invocation-results.ts';
import { describeInvocations } from './describe-invocations.ts';
import { invokeCommand } from './invoke-command.ts';
import { modifyCommand } from './modify-command.ts';
import { modifyInvocationAttribute } from './modify-invocation-attribute.ts';
import { runCommand } from './run-command.ts';
import { stopInvocation } from './stop-invocation.ts';

export const ACTIONS: ReadonlyMap<string, Action> = new Map([
  ['CreateCommand', createCommand],
  ['DeleteCommand', deleteCommand],
  ['DescribeCloudAssistantStatus', describeCloudAssistantStatus],
  ['DescribeCommands', describeCommands],
  ['DescribeInstances', describeInstances],
  ['DescribeInvocationResults', describeInvocationResults],
  ['DescribeInvocations', describeInvocations],
  ['InvokeCommand', invokeCommand],
  ['ModifyCommand', modifyCommand],
  ['ModifyInvocationAttribute', modifyInvocationAttribute],
  ['RunCommand', runCommand],
  ['StopInvocation', stopInvocation],
]);
