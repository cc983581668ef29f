/**
 * Reads the tasks of invocations. Cloud Assistant takes no list of invocation ids, so each costs a request of its own:
 * one for the states, and a second for output only once something has ended whose output is wanted. Of many at once,
 * those that still run are taken from one listing of what runs in the region.
 */
import { isTerminalTask } from '../../model/status.ts';
import type { AnsweredOr, CallOutcome } from '../call-outcome.ts';
import { allPages, pagesOf } from '../pages.ts';
import type { InvocationReading, InvocationRef, TaskReport } from '../provider.ts';
import type { DescribeInvocationsAnswer, InvokeInstance } from './answers.ts';
import type { CloudAssistantClient } from './client.ts';
import { readFiringId } from './firing-id.ts';
import { inTurns } from './in-turns.ts';
import { readFiring } from './read-firing.ts';
import { type DescribeInvocationsRequest, MAX_RESULTS } from './requests.ts';
import { reportTask } from './task-report.ts';

type Reader = Pick<CloudAssistantClient, 'describeInvocations' | 'describeInvocationResults'>;

/** From so many in a region on, the listing of what runs there is asked first: at worst a quarter more requests. */
const LIST_FROM = 4;

/** @param wantsOutput asked for tasks that have ended. @returns one reading for each ref, in their order */
export async function readInvocations(
  client: Reader,
  refs: readonly InvocationRef[],
  wantsOutput: (taskId: string) => boolean,
  concurrency: number,
): Promise<InvocationReading[]> {
  const running = new Map<string, InvokeInstance[]>();
  for (const [region, ofRegion] of Map.groupBy(refs, (ref) => ref.region)) {
    if (ofRegion.length < LIST_FROM) continue;
    const ids = new Set(ofRegion.map(({ invocationId }) => invocationId));
    for (const [id, rows] of await listRunning(client, region, ids)) running.set(`${region}/${id}`, rows);
  }
  return inTurns(refs, concurrency, (ref) =>
    readInvocation(client, ref, wantsOutput, running.get(`${ref.region}/${ref.invocationId}`)),
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

/** @param running its instances, where they are known already */
async function readInvocation(
  client: Reader,
  ref: InvocationRef,
  wantsOutput: (taskId: string) => boolean,
  running: InvokeInstance[] | undefined,
): Promise<InvocationReading> {
  const { invocationId } = ref;
  const firing = readFiringId(invocationId);
  if (firing !== undefined) return await readFiring(client, ref.region, invocationId, firing);
  const base = { RegionId: ref.region, InvokeId: invocationId, MaxResults: MAX_RESULTS };
  let isTimed = false;
  let rows: AnsweredOr<InvokeInstance[]> =
    running === undefined ? await readRows(client, base) : { kind: 'answered', answer: running };
  if (rows.kind === 'answered' && rows.answer.length === 0) {
    // Without Timed=true the vendor leaves out what is still to run again (Period, reboot).
    isTimed = true;
    rows = await readRows(client, { ...base, Timed: true });
  }
  if (rows.kind !== 'answered') return { invocationId, kind: 'failed', failure: rows.failure };
  const tasks = rows.answer.map((row) => reportTask(invocationId, row, false));

  const wanted = tasks.filter(({ status, taskId }) => isTerminalTask(status) && wantsOutput(taskId));
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
 * instances into their record; should a record continue on the next page all the same, its instances add up here.
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
