/**
 * A run as it is stored: one item, with the states of its tasks packed. A thousand tasks are some 30 KB so, where an
 * item may have 400. Outputs that are not small are items of their own, written before the run that says so.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import * as z from 'zod';
import { FleetReflexError } from '../errors.ts';
import { isTerminalRun, Run, RunTask, timerOf } from '../model/run.ts';
import { RunSummary, summariseRun } from '../model/run-summary.ts';
import { taskKey } from '../model/run-tasks.ts';
import { upgradeRun } from '../model/upgrade.ts';
import type { Item, ItemKey } from './batch.ts';
import { entryKey } from './live-index.ts';
import { expiresAt, key, listKey } from './table.ts';

/** What an output may take in the run's own item, and all of a run's together. */
const MAX_OWN_BYTES = 512;
const MAX_ALL_OWN_BYTES = 32 * 1024;

const Bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array);
const StoredTasks = z.array(
  z.strictObject({
    ...RunTask.shape,
    output: z
      .base64()
      .transform((text): Uint8Array => Buffer.from(text, 'base64'))
      .optional(),
  }),
);
/** In what earlier versions wrote each task is an item, with its output. */
const EarlierTask = z.looseObject({
  task: RunTask.extend({ version: z.literal(1), runId: z.string() }).transform(
    ({ version: _, runId: __, ...task }) => task,
  ),
});
const StoredOutput = z.looseObject({ task: z.string(), output: Bytes });

/** The run with every output that is not small marked as apart, and the items of those that are not stored yet. */
export function withOutputsApart(run: Run): { run: Run; outputs: (Item & ItemKey)[] } {
  let own = 0;
  const outputs: (Item & ItemKey)[] = [];
  const tasks = run.tasks.map((task) => {
    const { output, isOutputApart, invocationId, instanceId } = task;
    if (output === undefined || isOutputApart === true) return task;
    if (output.length <= MAX_OWN_BYTES && own + output.length <= MAX_ALL_OWN_BYTES) {
      own += output.length;
      return task;
    }
    outputs.push({
      ...key.output(run.runId, invocationId, instanceId),
      task: taskKey(task),
      output,
      expiresAt: expiry(run),
    });
    return { ...task, isOutputApart: true as const };
  });
  return { run: outputs.length === 0 ? run : { ...run, tasks }, outputs };
}

/** By the key of its task. */
export function readOutput(item: Item): [string, Uint8Array] {
  const { task, output } = StoredOutput.parse(item);
  return [task, output];
}

/** @param at when it is written */
export function runItem({ tasks, ...run }: Run, at: Date): Item & ItemKey {
  return {
    ...key.run(run.runId),
    ...listKey(listedAt(run), run.runId),
    summary: summariseRun(run),
    ...entryKey(run, at),
    runId: run.runId,
    rule: run.rule,
    isLive: !isTerminalRun(run),
    revision: run.revision,
    run,
    tasks: pack(tasks),
    expiresAt: expiry(run),
  };
}

/** Whether its tasks are items of their own, as earlier versions wrote them. */
export function hasEarlierTasks(item: Item): boolean {
  return item['tasks'] === undefined;
}

/** Tasks that are items; large outputs stay where they are. */
export function readEarlierTasks(items: readonly Item[]): RunTask[] {
  return items.map((item) => {
    const { output, ...task } = EarlierTask.parse(item).task;
    if (output === undefined) return task;
    return output.length <= MAX_OWN_BYTES ? { ...task, output } : { ...task, isOutputApart: true };
  });
}

/** By the keys of their tasks, of those that earlier versions wrote. */
export function readEarlierOutputs(items: readonly Item[]): [string, Uint8Array][] {
  return items.flatMap((item) => {
    const { task } = EarlierTask.parse(item);
    return task.output === undefined ? [] : [[taskKey(task), task.output]];
  });
}

/** @throws FleetReflexError `store.unreadable` (hold) */
export function readRun(item: Item, earlierTasks: readonly RunTask[] = []): Run {
  const stored = z.looseObject({}).safeParse(upgradeRun(item['run']));
  const run = Run.safeParse({ ...stored.data, tasks: earlierTasks });
  if (!run.success) throw unreadable(item, run.error);
  if (hasEarlierTasks(item)) return run.data;
  try {
    return { ...run.data, tasks: unpack(item['tasks']) };
  } catch (cause) {
    throw unreadable(item, cause);
  }
}

/** A line of the list; of what earlier versions wrote the index has the whole run. @throws FleetReflexError */
export function readSummary(item: Item): RunSummary {
  if (item['summary'] === undefined) return summariseRun(readRun(item));
  const summary = RunSummary.safeParse(item['summary']);
  if (summary.success) return summary.data;
  throw unreadable(item, summary.error);
}

export function isUnreadable(error: unknown): error is FleetReflexError {
  return error instanceof FleetReflexError && error.code === 'store.unreadable';
}

function pack(tasks: readonly RunTask[]): Uint8Array {
  const plain = tasks.map(({ output, ...task }) => ({
    ...task,
    output:
      output === undefined || task.isOutputApart === true
        ? undefined
        : Buffer.from(output).toString('base64'),
  }));
  return deflateRawSync(JSON.stringify(plain));
}

function unpack(packed: unknown): RunTask[] {
  return StoredTasks.parse(JSON.parse(inflateRawSync(Bytes.parse(packed)).toString()));
}

type Untasked = Omit<Run, 'tasks'>;

/** One that waits for a time far ahead is kept until long after it, and after its end. */
function expiry({ requestedAt, pollAt, endedAt }: Untasked): number {
  return expiresAt(latest(requestedAt, pollAt, endedAt));
}

/** One that waited is listed where it was sent, or ended: days that are long past are not read any more. */
function listedAt(run: Untasked): string {
  const timer = timerOf(run);
  if (timer === undefined) return run.requestedAt;
  const since = run.invocations.length > 0 ? timer.nextAt : run.endedAt;
  return latest(run.requestedAt, since).toISOString();
}

function latest(...times: readonly (string | undefined)[]): Date {
  return new Date(Math.max(...times.flatMap((time) => (time === undefined ? [] : [Date.parse(time)]))));
}

function unreadable(item: Item, cause: unknown): FleetReflexError {
  return new FleetReflexError(
    'store.unreadable',
    `The stored run ${String(item['runId'])} is not of a version that this code knows. Deploy the version that wrote it, or a newer one.`,
    { disposition: 'hold', cause },
  );
}
