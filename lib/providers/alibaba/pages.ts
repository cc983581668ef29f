/**
 * All pages of a listing: the first call with MaxResults alone, the next with the NextToken of the one before, until
 * there is none (the document of DescribeInvocations).
 */
import type { CallResult } from './call-result.ts';

/** More pages than any listing of ours has (the vendor keeps 10,000 records): a token that leads in a circle ends here. */
const MAX_PAGES = 250;

/** @returns every page, or the result of the first call that failed */
export async function readPages<Answer>(
  readPage: (nextToken: string | undefined) => Promise<CallResult<Answer>>,
  nextTokenOf: (answer: Answer) => string | null | undefined,
): Promise<CallResult<Answer[]>> {
  const pages: Answer[] = [];
  const seen = new Set<string>();
  let nextToken: string | undefined;
  do {
    const result = await readPage(nextToken);
    if (result.kind !== 'answered') return result;
    pages.push(result.answer);
    nextToken = nextTokenOf(result.answer) || undefined;
    // The same token again would give the same page again.
    if (nextToken !== undefined && seen.has(nextToken)) break;
    if (nextToken !== undefined) seen.add(nextToken);
  } while (nextToken !== undefined && pages.length < MAX_PAGES);
  return { kind: 'answered', answer: pages };
}
