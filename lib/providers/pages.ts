/** The pages of a listing, whatever leads from one to the next: a token, or how many rows there were so far. */
import type { AnsweredOr, CallOutcome } from './call-outcome.ts';

/** More pages than any listing of ours has (Cloud Assistant keeps 10,000 records, 50 on a page): a circle ends here. */
const MAX_PAGES = 250;

/**
 * Every page in turn, until there is none or the reader stops; a call that failed is the last one.
 * @param ask asks for the page at a place; undefined for the first
 * @param nextOf the place of the next page; nothing, or an empty token, after the last
 */
export async function* pagesOf<Answer, Place extends string | number>(
  ask: (place: Place | undefined) => Promise<CallOutcome<Answer>>,
  nextOf: (answer: Answer, place: Place | undefined) => Place | null | undefined,
): AsyncGenerator<CallOutcome<Answer>, void, undefined> {
  const seen = new Set<Place>();
  let place: Place | undefined;
  for (let pages = 0; pages < MAX_PAGES; pages += 1) {
    const outcome = await ask(place);
    yield outcome;
    if (outcome.kind !== 'answered') return;
    place = nextOf(outcome.answer, place) || undefined;
    // The same place again would give the same page again.
    if (place === undefined || seen.has(place)) return;
    seen.add(place);
  }
}

/** For listings by `Offset`, `Limit` and `TotalCount`. New rows come first, so a page may repeat some but skips none. */
export function pagesByOffset<Answer extends { TotalCount: number }>(
  ask: (offset: number) => Promise<CallOutcome<Answer>>,
  rowsOf: (answer: Answer) => readonly unknown[],
): AsyncGenerator<CallOutcome<Answer>, void, undefined> {
  return pagesOf<Answer, number>(
    (offset = 0) => ask(offset),
    (answer, offset = 0) => {
      const next = offset + rowsOf(answer).length;
      return next > offset && next < answer.TotalCount ? next : undefined;
    },
  );
}

/** @returns every page, or the first call that failed */
export async function allPages<Answer>(
  pages: AsyncIterable<CallOutcome<Answer>>,
): Promise<AnsweredOr<Answer[]>> {
  const answers: Answer[] = [];
  for await (const page of pages) {
    if (page.kind !== 'answered') return page;
    answers.push(page.answer);
  }
  return { kind: 'answered', answer: answers };
}
