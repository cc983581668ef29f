/**
 * Reads what became of many invocations in as few requests as TAT allows: 100 invocations with all their task states
 * in one, then the details of 100 ended tasks in one. Filters take 5 values, so ids are asked for instead.
 */
import { isTerminalTask } from '../../model/status.ts';
import type { AnsweredOr, CallOutcome } from '../call-outcome.ts';
import { inChunks } from '../chunks.ts';
import { allPages, pagesByOffset } from '../pages.ts';
import type { InvocationReading, InvocationRef, ProviderFailure, TaskReport } from '../provider.ts';
import type { VendorClient } from '../vendor-client.ts';
import {
  describeInvocations,
  describeInvocationTasks,
  type InvocationRow,
  type TaskRow,
} from './actions/invocations.ts';
import { invalidAnswer } from './client.ts';
import { type BasicTask, mapTaskStatus, reportOfBasicTask, reportOfTask } from './task-status.ts';

/** Of ids and of rows, as documented. How long an answer may be is not: too long a one is asked for in halves. */
const MAX_ROWS = 100;
const CALLER = 'read';

type WantsOutput = (taskId: string) => boolean;

export async function readInvocations(
  client: VendorClient,
  refs: readonly InvocationRef[],
  wantsOutput: WantsOutput,
): Promise<InvocationReading[]> {
  const byRegion = Map.groupBy(refs, ({ region }) => region);
  const readings = await Promise.all(
    [...byRegion].map(([region, inRegion]) => {
      const ids = [...new Set(inRegion.map(({ invocationId }) => invocationId))];
      return readRegion(client, region, ids, wantsOutput);
    }),
  );
  return readings.flat();
}

/** The state of reading one invocation. */
interface Draft {
  invocationId: string;
  /** By task id. */
  tasks: Map<string, TaskReport>;
  failure?: ProviderFailure;
  /** The vendor does not list it. */
  isMissing?: boolean;
}

async function readRegion(
  client: VendorClient,
  region: string,
  ids: string[],
  wantsOutput: WantsOutput,
): Promise<InvocationReading[]> {
  const drafts = (
    await Promise.all(inChunks(ids, MAX_ROWS).map((chunk) => readStates(client, region, chunk)))
  ).flat();
  await readDetails(client, region, drafts, wantsOutput);
  return drafts.map(({ invocationId, tasks, failure, isMissing }): InvocationReading => {
    if (failure !== undefined) return { invocationId, kind: 'failed', failure };
    if (isMissing === true) return { invocationId, kind: 'missing' };
    return { invocationId, kind: 'read', tasks: [...tasks.values()] };
  });
}

/** The states of all tasks of up to 100 invocations. An invocation that the vendor does not show yet has no tasks. */
async function readStates(client: VendorClient, region: string, ids: string[]): Promise<Draft[]> {
  const { found, failures } = await askInPieces(ids, async (piece) => {
    // Without a limit the vendor answers with 20 rows and says nothing.
    const request = { InvocationIds: piece, Limit: MAX_ROWS };
    const outcome = await client.call(describeInvocations, region, request, { caller: CALLER });
    return mapAnswer(outcome, (answer) => answer.InvocationSet);
  });
  const rows = new Map(found.map((row) => [row.InvocationId, row]));
  return await Promise.all(
    ids.map(async (invocationId): Promise<Draft> => {
      const failure = failures.get(invocationId);
      const row = rows.get(invocationId);
      if (failure !== undefined) return { invocationId, tasks: new Map(), failure };
      if (row === undefined) return { invocationId, tasks: new Map(), isMissing: true };
      const draft = draftOf(invocationId, row.InvocationTaskBasicInfoSet);
      if (!mayListMore(row)) return draft;
      const all = await listTasks(client, region, invocationId);
      return all.kind === 'answered'
        ? draftOf(invocationId, [...row.InvocationTaskBasicInfoSet, ...all.answer])
        : { ...draft, failure: all.failure };
    }),
  );
}

function draftOf(invocationId: string, tasks: readonly BasicTask[]): Draft {
  return {
    invocationId,
    tasks: new Map(tasks.map((task) => [task.InvocationTaskId, reportOfBasicTask(invocationId, task)])),
  };
}

/**
 * Whether the list of tasks that an invocation carries may be cut. Asked only when every listed task has ended,
 * because until then it is read again anyway: the list is empty although the invocation went on, it ends at a round
 * number as a page would, or the vendor's own status says that something is still open.
 */
function mayListMore(row: InvocationRow): boolean {
  const { InvocationTaskBasicInfoSet: tasks, InvocationStatus: status } = row;
  if (tasks.length === 0) return status !== 'PENDING';
  if (!tasks.every((task) => isTerminalTask(mapTaskStatus(task.TaskStatus).status))) return false;
  const looksLikePage = tasks.length >= 20 && tasks.length % 10 === 0 && tasks.length < 200;
  return looksLikePage || status === 'PENDING' || status === 'RUNNING' || status === 'CANCELLING';
}

/** All tasks of one invocation, without output; an invocation's tasks do not move, so paging by offset is safe. */
export async function listTasks(
  client: VendorClient,
  region: string,
  invocationId: string,
  caller = CALLER,
): Promise<AnsweredOr<TaskRow[]>> {
  const Filters = [{ Name: 'invocation-id', Values: [invocationId] }];
  const pages = await allPages(
    pagesByOffset(
      (Offset) => {
        const request = { Filters, Limit: MAX_ROWS, Offset, HideOutput: true };
        return client.call(describeInvocationTasks, region, request, { caller });
      },
      ({ InvocationTaskSet }) => InvocationTaskSet,
    ),
  );
  return mapAnswer(pages, (answers) => answers.flatMap(({ InvocationTaskSet }) => InvocationTaskSet));
}

/** Exit codes, times and outputs of the tasks that have ended and are wanted, across all invocations. */
async function readDetails(
  client: VendorClient,
  region: string,
  drafts: readonly Draft[],
  wantsOutput: WantsOutput,
): Promise<void> {
  const draftOfTask = new Map<string, Draft>();
  for (const draft of drafts) {
    if (draft.failure !== undefined) continue;
    for (const { taskId, status } of draft.tasks.values()) {
      if (isTerminalTask(status) && wantsOutput(taskId)) draftOfTask.set(taskId, draft);
    }
  }
  await Promise.all(
    inChunks([...draftOfTask.keys()], MAX_ROWS).map(async (chunk) => {
      const { found, failures } = await askInPieces(chunk, (piece) => askTasks(client, region, piece));
      const rows = new Map(found.map((row) => [row.InvocationTaskId, row]));
      for (const taskId of chunk) {
        const draft = draftOfTask.get(taskId);
        const row = rows.get(taskId);
        if (draft === undefined) continue;
        if (row !== undefined) draft.tasks.set(taskId, reportOfTask(row));
        // Never a final state without its exit code and output: it is asked for again.
        else draft.failure = failures.get(taskId) ?? invalidAnswer(`${taskId} is missing`, 'notSent').failure;
      }
    }),
  );
}

async function askTasks(client: VendorClient, region: string, ids: string[]): Promise<AnsweredOr<TaskRow[]>> {
  const ask = (HideOutput: boolean): Promise<CallOutcome<{ InvocationTaskSet: TaskRow[] }>> =>
    client.call(
      describeInvocationTasks,
      region,
      { InvocationTaskIds: ids, Limit: MAX_ROWS, HideOutput },
      { caller: CALLER },
    );
  const outcome = await ask(false);
  const isOneTooLarge = ids.length === 1 && outcome.kind !== 'answered' && outcome.class === 'tooLarge';
  // One output alone that the vendor cannot answer: its exit code without its output is better than nothing.
  return mapAnswer(isOneTooLarge ? await ask(true) : outcome, (answer) => answer.InvocationTaskSet);
}

function mapAnswer<Answer, Row>(
  outcome: AnsweredOr<Answer>,
  rowsOf: (answer: Answer) => Row[],
): AnsweredOr<Row[]> {
  return outcome.kind === 'answered' ? { kind: 'answered', answer: rowsOf(outcome.answer) } : outcome;
}

/** Asks for ids at once, and for each half of them when the answer would be too long for the vendor. */
async function askInPieces<Row>(
  ids: string[],
  ask: (piece: string[]) => Promise<AnsweredOr<Row[]>>,
): Promise<{ found: Row[]; failures: Map<string, ProviderFailure> }> {
  const asked = await ask(ids);
  if (asked.kind === 'answered') return { found: asked.answer, failures: new Map() };
  const { failure } = asked;
  if (asked.class !== 'tooLarge' || ids.length === 1) {
    return { found: [], failures: new Map(ids.map((id) => [id, failure])) };
  }
  const halves = await Promise.all(
    inChunks(ids, Math.ceil(ids.length / 2)).map((half) => askInPieces(half, ask)),
  );
  return {
    found: halves.flatMap(({ found }) => found),
    failures: new Map(halves.flatMap(({ failures }) => [...failures])),
  };
}
