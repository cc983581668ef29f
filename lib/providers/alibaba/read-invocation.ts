/**
 * Reads one invocation's tasks. Cloud Assistant takes no list of invocation ids, so each invocation costs at least
 * one request: one for the states, and a second for output only once something has ended whose output is wanted.
 */
import { isTerminalTask } from '../../runs/status.ts';
import type { InvocationReading, InvocationRef, TaskReport } from '../provider.ts';
import type { DescribeInvocationsAnswer, InvokeInstance } from './answers.ts';
import type { CallResult } from './call-result.ts';
import type { CloudAssistantClient } from './client.ts';
import { readPages } from './pages.ts';
import { type DescribeInvocationsRequest, MAX_RESULTS } from './requests.ts';
import { reportTask } from './task-report.ts';

/** @param wantsOutput asked for tasks that have ended */
export async function readInvocation(
  client: Pick<CloudAssistantClient, 'describeInvocations'>,
  ref: InvocationRef,
  wantsOutput: (taskId: string) => boolean,
): Promise<InvocationReading> {
  const { invocationId } = ref;
  const base = { RegionId: ref.region, InvokeId: invocationId, MaxResults: MAX_RESULTS };
  let isTimed = false;
  let rows = await readRows(client, base);
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
  client: Pick<CloudAssistantClient, 'describeInvocations'>,
  request: DescribeInvocationsRequest,
): Promise<CallResult<InvokeInstance[]>> {
  const pages = await readPages<DescribeInvocationsAnswer>(
    (nextToken) =>
      client.describeInvocations({ ...request, ...(nextToken !== undefined && { NextToken: nextToken }) }),
    (answer) => answer.NextToken,
  );
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
