/**
 * The life of a task: PENDING, DELIVERING, RUNNING, and one of eight ends. States only move forward; the documented
 * parts are in the documents CancelInvocation and DescribeInvocationTasks, the rest is our reading of them.
 */
import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises';
import { messageOf } from '../../lib/errors.ts';
import { TAT_OUTPUT } from '../fleet/output.ts';
import type { TaskEnd } from '../fleet/task.ts';
import { isEnded, isWaiting, type TatTaskStatus } from './aggregate.ts';
import type { TaskFault } from './faults.ts';
import type { Invocation, Task } from './records.ts';
import { beginUpload } from './upload.ts';
import { now, type World } from './world.ts';

/** setTimeout takes no more. */
const FOR_EVER_MS = 2 ** 31 - 1;

/** Starts every task of an invocation, and returns at once. */
export function runTasks(world: World, invocation: Invocation): void {
  for (const task of invocation.tasks) {
    run(world, invocation, task).catch((error: unknown) => {
      if (world.stopped.aborted) return;
      task.errorInfo = `TaskSpawnFailed: ${messageOf(error)}`;
      move(world, task, 'START_FAILED');
    });
  }
}

/** Cancels what has not started, and kills what runs; a task that has ended stays as it is. */
export function cancelTask(world: World, task: Task): void {
  if (isWaiting(task.status)) {
    move(world, task, 'CANCELLED');
  } else if (task.status === 'RUNNING') {
    move(world, task, 'CANCELLING');
    task.handle?.kill();
  }
}

async function run(world: World, invocation: Invocation, task: Task): Promise<void> {
  await nextTurn();
  if (task.status !== 'PENDING' || world.stopped.aborted) return;
  const fault = world.faults.takeForTask(task.instanceId);
  if (fault?.status === 'PENDING') await sleep(world, fault.ms ?? FOR_EVER_MS);
  move(world, task, 'DELIVERING');
  await deliver(world, task, fault);
  if (!isWaiting(task.status) || world.stopped.aborted) return;
  task.startedAt = now(world);
  // The agent reports the start before it checks user, directory and script.
  move(world, task, 'RUNNING');
  if (fault?.status === 'START_FAILED') {
    task.errorInfo = fault.errorInfo ?? 'TaskSpawnFailed: a fault of the local TAT, as asked for';
    move(world, task, 'START_FAILED');
    return;
  }
  const upload = beginUpload(world, invocation, task);
  const handle = world.engine.startTask({
    instanceId: task.instanceId,
    script: invocation.script,
    interpreter: 'bash',
    username: invocation.username,
    workingDirectory: invocation.workingDirectory,
    timeoutSeconds: invocation.timeoutSeconds,
    output: TAT_OUTPUT,
    killScope: 'group',
    drainMs: 1000,
    onOutput: upload?.add,
  });
  task.handle = handle;
  if (fault?.status === 'TASK_TIMEOUT') {
    await sleep(world, fault.ms ?? 0);
    task.errorInfo = fault.errorInfo ?? 'the agent did not answer';
    move(world, task, 'TASK_TIMEOUT');
    return;
  }
  const end = await handle.finished;
  task.end = end;
  if (end.errorInfo !== '') task.errorInfo = end.errorInfo;
  if (end.startedAt !== undefined) await upload?.finish();
  move(world, task, statusOf(end));
}

async function deliver(world: World, task: Task, fault: TaskFault | undefined): Promise<void> {
  const instance = world.engine.instances.get(task.instanceId);
  // Only a schedule comes here with an instance that cannot be reached; a request was refused before.
  const isReachable = instance?.state === 'running' && instance.agent === 'online';
  if (fault?.status === 'DELIVER_FAILED' || !isReachable) {
    await sleep(world, fault?.ms ?? 0);
    task.errorInfo = fault?.errorInfo ?? 'the agent could not be reached';
    move(world, task, 'DELIVER_FAILED');
  } else if (fault?.status === 'DELIVERING') {
    await sleep(world, fault.ms ?? FOR_EVER_MS);
  } else if (fault?.status === 'DELIVER_DELAYED') {
    move(world, task, 'DELIVER_DELAYED');
    await sleep(world, fault.ms ?? FOR_EVER_MS);
  } else {
    await nextTurn();
  }
}

function statusOf(end: TaskEnd): TatTaskStatus {
  switch (end.outcome) {
    case 'start_failed':
      return 'START_FAILED';
    case 'timed_out':
      return 'TIMEOUT';
    case 'killed':
      return 'TERMINATED';
    case 'exited':
      return end.exitCode === 0 ? 'SUCCESS' : 'FAILED';
  }
}

function move(world: World, task: Task, to: TatTaskStatus): void {
  if (isEnded(task.status)) return;
  task.status = to;
  task.updatedAt = now(world);
  if (isEnded(to)) task.endedAt = task.updatedAt;
}

/** Ends early, and well, when the server stops. */
async function sleep(world: World, forMs: number): Promise<void> {
  if (forMs === 0) return;
  await wait(forMs, undefined, { signal: world.stopped, ref: false }).catch(() => undefined);
}
