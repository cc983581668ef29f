/** Reads one firing of a timed invocation: only DescribeInvocationResults tells one time from another. */
import type { AnsweredOr } from '../call-outcome.ts';
import { allPages, pagesOf } from '../pages.ts';
import type { InvocationReading } from '../provider.ts';
import type { DescribeInvocationResultsAnswer, InvocationResult } from './answers.ts';
import type { CloudAssistantClient } from './client.ts';
import type { FiringId } from './firing-id.ts';
import { MAX_RESULTS } from './requests.ts';
import { reportTask } from './task-report.ts';

type Reader = Pick<CloudAssistantClient, 'describeInvocationResults'>;

/** All that the vendor keeps of it, all pages: one row for each instance and time. Output in Base64. */
export async function readResults(
  client: Reader,
  region: string,
  invokeId: string,
): Promise<AnsweredOr<InvocationResult[]>> {
  const request = {
    RegionId: region,
    InvokeId: invokeId,
    IncludeHistory: true,
    MaxResults: MAX_RESULTS,
    ContentEncoding: 'Base64' as const,
  };
  const pages = await allPages(
    pagesOf<DescribeInvocationResultsAnswer, string>(
      (NextToken) =>
        client.describeInvocationResults({ ...request, ...(NextToken !== undefined && { NextToken }) }),
      (answer) => answer.Invocation?.NextToken,
    ),
  );
  if (pages.kind !== 'answered') return pages;
  const rows = pages.answer.flatMap((page) => page.Invocation?.InvocationResults?.InvocationResult ?? []);
  return { kind: 'answered', answer: rows };
}

export async function readFiring(
  client: Reader,
  region: string,
  invocationId: string,
  { invokeId, repeats }: FiringId,
): Promise<InvocationReading> {
  const results = await readResults(client, region, invokeId);
  if (results.kind !== 'answered') return { invocationId, kind: 'failed', failure: results.failure };
  const rows = results.answer.filter((row) => row.InvokeId === invokeId && row.Repeats === repeats);
  const tasks = rows.map(({ FinishedTime, Repeats: _, ...row }) =>
    // Without the count: a time that was not delivered has not started, whatever earlier ones did.
    reportTask(invocationId, { ...row, FinishTime: FinishedTime }, true),
  );
  return { invocationId, kind: 'read', tasks };
}
