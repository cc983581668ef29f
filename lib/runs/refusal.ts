/** An invocation that will never be sent: each of its instances gets a task that says why. */
import type { Reason } from '../completions/completion-event.ts';
import { editInvocation } from './invocation.ts';
import type { Run } from './run.ts';
import type { RunStore } from './store.ts';

export async function refuse(run: Run, index: number, reason: Reason, store: RunStore): Promise<Run> {
  const { code, message, advice } = reason;
  const invocation = run.invocations[index];
  for (const instanceId of invocation?.instances ?? []) {
    await store.putTask({
      version: 1,
      runId: run.runId,
      invocationId: invocation?.token ?? '',
      taskId: `${invocation?.token}/${instanceId}`,
      instanceId,
      status: 'rejected',
      providerStatus: code,
      started: 'no',
      outputDroppedBytes: 0,
      error: { code, message, advice },
      isEventSent: false,
    });
  }
  return await editInvocation(run, index, store, { state: 'notSent', failure: { code, message, advice } });
}
