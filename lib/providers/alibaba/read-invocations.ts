/**
 * Reads the tasks of invocations. Cloud Assistant takes no list of invocation ids, so one that is read alone costs a
 * request for the states, and a second for output once something has ended whose output is wanted. Many cost less: one
 * listing of what runs in the region has the states of those that still run, and one listing of an instance has the
 * states and outputs of all that ended there.
 */
import { isTerminalTask } from '../../model/status.ts';
import type { AnsweredOr, CallOutcome } from '../call-outcome.ts';
import { inTurns } from '../in-turns.ts';
import { allPages, pagesOf } from '../pages.ts';
import type { InvocationReading, InvocationRef, TaskReport } from '../provider.ts';
import type { DescribeInvocationsAnswer, InvokeInstance } from './answers.ts';
import type { CloudAssistantClient } from './client.ts';
import { readFiringId } from './firing-id.ts';
import { readFiring } from './read-firing.ts';
import { type DescribeInvocationsRequest, MAX_RESULTS } from './requests.ts';
import { reportTask, taskIdOf } from './task-report.ts';

type Reader = Pick<CloudAssistantClient, 'describeInvocations' | 'describeInvocationResults'>;

/** From so many in a region on, the listing of what runs there is asked first: at worst a quarter more requests. */
const LIST_FROM = 4;
/** So many that run there, or that others sent, may stand among those that are wanted of an instance. */
const OTHERS_ON_INSTANCE = 10;

/** @param wantsOutput asked for tasks that have ended. @returns one reading for each ref, in their order */
export async function readInvocations(
  client: Reader,
  refs: readonly InvocationRef[],
  wantsOutput: (taskId: string) => boolean,
  concurrency: number,
): Promise<InvocationReading[]> {
  const known = new Map<string, TaskReport[]>();
  const regions = [...Map.groupBy(refs, (ref) => ref.region)].filter(([, { length }]) => length >= LIST_FROM);
  await Promise.all(
    regions.map(async ([region, ofRegion]) => {
      const running = await listRunning(
        client,
        region,
        new Set(ofRegion.map(({ invocationId }) => invocationId)),
      );
      for (const [id, rows] of running) known.set(`${region}/${id}`, reportsOf(id, rows, false));
      const rest = ofRegion.filter(({ invocationId }) => !running.has(invocationId));
      const wanted = rest.filter((ref) => {
        const [instanceId, ...others] = ref.instances ?? [];
        return (
          instanceId !== undefined &&
          others.length === 0 &&
          wantsOutput(taskIdOf(ref.invocationId, instanceId))
        );
      });
      const byInstance = [...Map.groupBy(wanted, ({ instances }) => instances?.[0] ?? '')];
      await inTurns(byInstance, concurrency, async ([instanceId, there]) => {
        if (there.length < 2) return;
        const found = await listInstance(client, region, instanceId, there.length);
        for (const [id, rows] of found) known.set(`${region}/${id}`, reportsOf(id, rows, true));
      });
    }),
  );
  return inTurns(refs, concurrency, (ref) =>
    readInvocation(client, ref, wantsOutput, known.get(`${ref.region}/${ref.invocationId}`)),
  );
}

function reportsOf(invocationId: string, rows: readonly InvokeInstance[], hasOutput: boolean): TaskReport[] {
  return rows.map((row) => reportTask(invocationId, row, hasOutput));
}

/**
 * What an instance ran last, with output. `IncludeOutput` needs an invocation or an instance, and this is the one
 * request that has the outputs of many invocations. What is not found, or older, is asked for by its own id.
 */
async function listInstance(
  client: Reader,
  region: string,
  instanceId: string,
  wanted: number,
): Promise<Map<string, InvokeInstance[]>> {
  const result = await client.describeInvocations({
    RegionId: region,
    InstanceId: instanceId,
    IncludeOutput: true,
    ContentEncoding: 'Base64',
    MaxResults: Math.min(MAX_RESULTS, wanted + OTHERS_ON_INSTANCE),
  });
  const records = result.kind === 'answered' ? (result.answer.Invocations?.Invocation ?? []) : [];
  return new Map(
    records.flatMap(({ InvokeId, InvokeInstances }) => {
      const rows = (InvokeInstances?.InvokeInstance ?? []).filter((row) => row.InstanceId === instanceId);
      return rows.length === 0 ? [] : [[InvokeId, rows] as const];
    }),
  );
}

/**
 * Those of the wanted that run, with their instances. What has ended is not among them; and should the listing be a
 * moment old, it only says of an end that it is not there yet. A listing that fails finds none: each is then asked for.
 */
async function listRunning(
  client: Reader,
  region: string,
  wanted: ReadonlySet<string>,
): Promise<Map<string, InvokeInstance[]>> {
  const found = new Map<string, InvokeInstance[]>();
  // Not through all that others run: the listing must stay cheaper than what it saves.
  let pagesLeft = Math.floor(wanted.size / LIST_FROM);
  const request = { RegionId: region, InvokeStatus: 'Running' as const, MaxResults: MAX_RESULTS };
  for await (const page of invocationPages(client, request)) {
    const records = page.kind === 'answered' ? (page.answer.Invocations?.Invocation ?? []) : [];
    for (const record of records) {
      const rows = record.InvokeInstances?.InvokeInstance ?? [];
      if (wanted.has(record.InvokeId) && rows.length > 0) found.set(record.InvokeId, rows);
    }
    pagesLeft -= 1;
    if (pagesLeft <= 0 || found.size >= wanted.size) break;
  }
  return found;
}

/** @param known its tasks, where a listing had them */
async function readInvocation(
  client: Reader,
  ref: InvocationRef,
  wantsOutput: (taskId: string) => boolean,
  known: readonly TaskReport[] | undefined,
): Promise<InvocationReading> {
  const { invocationId } = ref;
  const isWanted = ({ status, taskId, output }: TaskReport): boolean =>
    isTerminalTask(status) && output === undefined && wantsOutput(taskId);
  if (known !== undefined && !known.some(isWanted)) return { invocationId, kind: 'read', tasks: known };
  const firing = readFiringId(invocationId);
  if (firing !== undefined) return await readFiring(client, ref.region, invocationId, firing);
  const base = { RegionId: ref.region, InvokeId: invocationId, MaxResults: MAX_RESULTS };
  let isTimed = false;
  let tasks = known;
  if (tasks === undefined) {
    let rows = await readRows(client, base);
    if (rows.kind === 'answered' && rows.answer.length === 0) {
      // Without Timed=true the vendor leaves out what is still to run again (Period, reboot).
      isTimed = true;
      rows = await readRows(client, { ...base, Timed: true });
    }
    if (rows.kind !== 'answered') return { invocationId, kind: 'failed', failure: rows.failure };
    if (rows.answer.length === 0) return { invocationId, kind: 'missing' };
    tasks = reportsOf(invocationId, rows.answer, false);
  }
  const wanted = tasks.filter(isWanted);
  const [first] = wanted;
  if (first === undefined) return { invocationId, kind: 'read', tasks };
  const withOutput = await readRows(client, {
    ...base,
    ...(isTimed && { Timed: true }),
    // The one that is missing, or all at once: the filter takes a single instance.
    ...(wanted.length === 1 && { InstanceId: first.instanceId }),
    IncludeOutput: true,
    ContentEncoding: 'Base64',
  });
  // States without their output would be settled as if they had none: rather later and whole.
  if (withOutput.kind !== 'answered') return { invocationId, kind: 'failed', failure: withOutput.failure };
  const newer = new Map(withOutput.answer.map((row) => [row.InstanceId, row]));
  const merged = tasks.map((task): TaskReport => {
    const row = newer.get(task.instanceId);
    return row === undefined ? task : reportTask(invocationId, row, true);
  });
  return { invocationId, kind: 'read', tasks: merged };
}

/**
 * Each instance once, over all pages. The document counts `Invocation` records as the entries of a page and puts all
 * instances into their record; if a record continues on the next page, its instances are added here.
 */
async function readRows(
  client: Reader,
  request: DescribeInvocationsRequest,
): Promise<AnsweredOr<InvokeInstance[]>> {
  const pages = await allPages(invocationPages(client, request));
  if (pages.kind !== 'answered') return pages;
  const rows = new Map<string, InvokeInstance>();
  for (const page of pages.answer) {
    for (const record of page.Invocations?.Invocation ?? []) {
      if (record.InvokeId !== request.InvokeId) continue;
      for (const row of record.InvokeInstances?.InvokeInstance ?? []) rows.set(row.InstanceId, row);
    }
  }
  return { kind: 'answered', answer: [...rows.values()] };
}

/** The pages of DescribeInvocations: the next with the NextToken of the one before, until there is none. */
export function invocationPages(
  client: Pick<CloudAssistantClient, 'describeInvocations'>,
  request: DescribeInvocationsRequest,
): AsyncGenerator<CallOutcome<DescribeInvocationsAnswer>, void, undefined> {
  return pagesOf<DescribeInvocationsAnswer, string>(
    (NextToken) => client.describeInvocations({ ...request, ...(NextToken !== undefined && { NextToken }) }),
    (answer) => answer.NextToken,
  );
}
