/**
 * Keeps a completion event within what its destination takes. Facts stay: outputs lose their ends first, in equal shares,
 * then tasks go, those that succeeded first. `GET /runs/{runId}` has everything, and the event says so.
 */
import type { CompletedTask, CompletionEvent } from '../model/completion-event.ts';
import { messageText } from '../queues/message-text.ts';

/** JSON may take six bytes for one of an output, so that the right length is searched for. */
const SMALLEST_BUDGET_BYTES = 1024;

/** The path of the API where the whole run is. */
export function wholeRunPath(runId: string): string {
  return `/runs/${runId}`;
}

/**
 * @param shortened its tasks, their outputs together within so many bytes; default: cut as text, so that the count of what
 * is dropped is of the text where an output is none
 * @returns the same event where it fits; its id never changes
 */
export function fitEvent(
  event: CompletionEvent,
  maxBytes: number,
  shortened = (budget: number) => cutOutputs(event.data.tasks, budget),
): CompletionEvent {
  const isSmall = (one: CompletionEvent): boolean => Buffer.byteLength(messageText(one)) <= maxBytes;
  if (isSmall(event)) return event;
  for (let budget = maxBytes; budget >= SMALLEST_BUDGET_BYTES; budget = Math.floor(budget / 2)) {
    const shorter = withTasks(event, shortened(budget));
    if (isSmall(shorter)) return shorter;
  }
  const worstFirst = shortened(0).toSorted(
    (a, b) => Number(a.status === 'succeeded') - Number(b.status === 'succeeded'),
  );
  for (let kept = worstFirst.length; kept > 0; kept = Math.floor(kept / 2)) {
    const shorter = withTasks(event, worstFirst.slice(0, kept));
    if (isSmall(shorter)) return shorter;
  }
  return withTasks(event, []);
}

function withTasks(event: CompletionEvent, tasks: CompletedTask[]): CompletionEvent {
  const { data } = event;
  const omitted = (data.tasksOmitted ?? 0) + data.tasks.length - tasks.length;
  return {
    ...event,
    data: {
      ...data,
      tasks,
      ...(omitted > 0 && { tasksOmitted: omitted }),
      wholeRun: wholeRunPath(data.runId),
    },
  };
}

function cutOutputs(tasks: readonly CompletedTask[], budget: number): CompletedTask[] {
  const outputs = tasks.map(({ output }) => (output === undefined ? undefined : Buffer.from(output)));
  const share = fairShare(
    outputs.map((output) => output?.length ?? 0),
    budget,
  );
  return tasks.map((task, index) => {
    const output = outputs[index];
    if (output === undefined || output.length <= share) return task;
    const kept = cutAtCharacter(output, share);
    return {
      ...task,
      output: new TextDecoder().decode(kept),
      outputDroppedBytes: task.outputDroppedBytes + (output.length - kept.length),
    };
  });
}

/** The largest length such that all of them, each cut to it, are within the budget together. */
export function fairShare(lengths: readonly number[], budget: number): number {
  let left = budget;
  const ascending = lengths.toSorted((a, b) => a - b);
  for (const [index, length] of ascending.entries()) {
    const share = Math.floor(left / (ascending.length - index));
    if (length > share) return share;
    left -= length;
  }
  return Number.MAX_SAFE_INTEGER;
}

/** Cuts bytes so that no UTF-8 character is split. */
export function cutAtCharacter(bytes: Uint8Array, limit: number): Uint8Array {
  if (bytes.length <= limit) return bytes;
  let end = limit;
  // 10xxxxxx continues a character: step back to where one starts.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.subarray(0, end);
}
