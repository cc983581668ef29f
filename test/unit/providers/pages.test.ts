/** Listings page by page: by token and by offset, and where they end. */
import { expect, test } from 'vitest';
import { type CallOutcome, ownFailed } from '../../../lib/providers/call-outcome.ts';
import { allPages, pagesByOffset, pagesOf } from '../../../lib/providers/pages.ts';

interface Page {
  rows: string[];
  next?: string;
}

function answered<Answer>(answer: Answer): CallOutcome<Answer> {
  return { kind: 'answered', answer, requestId: 'r', offsetMs: 0 };
}

/** Answers by token, `''` for the first page; remembers what it was asked. */
function byToken(pages: Record<string, Page | 'fails'>) {
  const asked: (string | undefined)[] = [];
  const read = () =>
    allPages(
      pagesOf<Page, string>(
        async (token) => {
          asked.push(token);
          const page = pages[token ?? ''] ?? 'fails';
          return page === 'fails' ? ownFailed('Network', 'gone', 'look') : answered(page);
        },
        ({ next }) => next,
      ),
    );
  return { asked, read };
}

test.each<{
  name: string;
  pages: Record<string, Page | 'fails'>;
  rows: string[];
  asked: (string | undefined)[];
}>([
  { name: 'one page', pages: { '': { rows: ['a'] } }, rows: ['a'], asked: [undefined] },
  { name: 'an empty token', pages: { '': { rows: ['a'], next: '' } }, rows: ['a'], asked: [undefined] },
  {
    name: 'several pages',
    pages: { '': { rows: ['a'], next: 'x' }, x: { rows: ['b'], next: 'y' }, y: { rows: ['c'] } },
    rows: ['a', 'b', 'c'],
    asked: [undefined, 'x', 'y'],
  },
  {
    name: 'tokens that lead in a circle',
    pages: { '': { rows: ['a'], next: 'x' }, x: { rows: ['b'], next: 'y' }, y: { rows: ['c'], next: 'x' } },
    rows: ['a', 'b', 'c'],
    asked: [undefined, 'x', 'y'],
  },
])('a listing of $name is read once to its end', async ({ pages, rows, asked }) => {
  const listing = byToken(pages);
  const outcome = await listing.read();
  expect(outcome.kind === 'answered' && outcome.answer.flatMap((page) => page.rows)).toEqual(rows);
  expect(listing.asked).toEqual(asked);
});

test('a page that fails fails the listing: half of it is none', async () => {
  const outcome = await byToken({ '': { rows: ['a'], next: 'x' }, x: 'fails' }).read();
  expect(outcome).toMatchObject({ kind: 'notSent', failure: { code: 'Network' } });
});

test('a reader who has what it looked for asks for no further page', async () => {
  const listing = byToken({ '': { rows: ['a'], next: 'x' }, x: { rows: ['b'] } });
  const pages = pagesOf<Page, string>(
    async (token) => {
      listing.asked.push(token);
      return answered({ rows: ['a'], next: 'x' });
    },
    ({ next }) => next,
  );
  for await (const page of pages) if (page.kind === 'answered') break;
  expect(listing.asked).toEqual([undefined]);
});

test.each([
  { name: 'full pages', sizes: [2, 2, 1], total: 5, offsets: [0, 2, 4] },
  { name: 'a page that is shorter than asked for', sizes: [1, 2, 2], total: 5, offsets: [0, 1, 3] },
  { name: 'an empty page before the total', sizes: [2, 0], total: 5, offsets: [0, 2] },
  { name: 'more rows than the total', sizes: [3], total: 2, offsets: [0] },
])('by offset, with $name no row is skipped', async ({ sizes, total, offsets }) => {
  const asked: number[] = [];
  await allPages(
    pagesByOffset(
      async (offset) => {
        const rows = Array.from({ length: sizes[asked.length] ?? 0 }, () => 'row');
        asked.push(offset);
        return answered({ rows, TotalCount: total });
      },
      ({ rows }) => rows,
    ),
  );
  expect(asked).toEqual(offsets);
});
