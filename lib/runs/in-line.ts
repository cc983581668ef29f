/** Invocations that their provider cannot tell apart are sent one after the other: the line, the lease, then the call. */
import type { Run, RunInvocation } from '../model/run.ts';
import { isOpen } from '../model/run.ts';
import { ask, isMarked, PLANNED, type Task } from './call.ts';
import type { Step } from './dispatch-context.ts';
import { editInvocation, type InvocationEdit, withInvocation } from './invocation.ts';
import { unlockWaiting } from './lock-instances.ts';
import { change } from './settle.ts';
import { afterOwn, type Free, held, inLine, lookForTwin, noteOwn, takeTwin } from './twin.ts';
import { waitFor } from './waiting.ts';

/** How long invocations of one process wait for each other in total. */
const IN_LINE_MS = 5_000;
/** How long to wait for a run of another process before the message returns to the queue: most answers take less. */
const PAUSES_MS = [100, 200, 400, 800] as const;

/** Another was faster; the run is as before. */
interface Overtaken {
  kind: 'overtaken';
  run: Run;
}

/** Calls the provider when no other run has an open attempt that looks the same. */
export async function askAlone(key: string, task: Task): Promise<Step> {
  const { index, invocation, context } = task;
  const untilMs = context.now().getTime() + IN_LINE_MS;
  let { run } = task;
  let blocked = held('Another run');
  for (const pauseMs of [0, ...PAUSES_MS]) {
    if (pauseMs > 0) await context.sleep(pauseMs);
    const step = await inLine(key, run.runId, untilMs, context, async () => {
      const lately = task.isFresh ? context.lately.get(key) : undefined;
      if (lately !== undefined) {
        const step = await askInLine({ ...task, run }, afterOwn(key, lately, context));
        // Another process has taken the lease since.
        if (step.kind !== 'overtaken') return step;
      }
      const look = await lookForTwin(key, run, invocation, context);
      return look.kind === 'held' ? look : await askInLine({ ...task, run }, look);
    });
    if (step.kind === 'overtaken') run = step.run;
    else if (step.kind === 'held') blocked = step;
    else return step;
  }
  return await unlockWaiting(await waitFor(run, blocked, context, { index, edit: PLANNED }), context);
}

/** The next in line starts after the result is stored, because until then the invocation cannot be attributed. */
async function askInLine(task: Task, free: Free): Promise<Step | Overtaken> {
  const { invocation, context, storeSent } = task;
  context.lately.delete(free.key);
  const step = await askWithLease(task, free);
  if (step.kind !== 'next' || step.run.invocations.some(isOpen)) return step;
  const run = await storeSent(step.run);
  noteOwn(free, run, invocation, context);
  return { kind: 'next', run };
}

/**
 * Marks the attempt, takes the lease for it, and calls the provider. In this order, a marked attempt without the lease was
 * never sent, and the next run sees an attempt that has it.
 */
async function askWithLease(task: Task, free: Free): Promise<Step | Overtaken> {
  const { index, invocation, isFresh, context } = task;
  const { token } = invocation;
  if (isFresh && invocation.attemptedAt !== undefined) {
    const attempt = { runId: task.run.runId, token, attemptedAt: invocation.attemptedAt };
    return (await takeTwin(free, attempt, context)) ? await ask(task) : { kind: 'overtaken', run: task.run };
  }
  const attemptedAt = context.now().toISOString();
  const marked = await mark(task, { attemptedAt, twin: free.key });
  if (!isMarked(marked, task)) return { kind: 'next', run: marked };
  const attempt = { runId: marked.runId, token, attemptedAt };
  if (await takeTwin(free, attempt, context)) return await ask({ ...task, run: marked });
  return { kind: 'overtaken', run: await editInvocation(marked, index, context.store, PLANNED) };
}

/** Not if the invocation has changed: some of its instances were cancelled. */
export async function mark({ run, index, invocation, context }: Task, attempt: InvocationEdit): Promise<Run> {
  const edit = { state: 'attempting' as const, unansweredAt: undefined, ...attempt };
  return await change(context.store, run, (current) =>
    isOpenStill(current.invocations[index], invocation) ? withInvocation(current, index, edit) : undefined,
  );
}

function isOpenStill(stored: RunInvocation | undefined, { token }: RunInvocation): boolean {
  return stored?.token === token && (stored.state === 'planned' || stored.state === 'attempting');
}
