/** A small part of `npm run faults`: processes that are killed at some of the awaits. */
import { expect, test } from 'vitest';
import { reportAwaits } from './processes/awaits.ts';
import { processes } from './processes/suite.ts';

const CASES = 24;
/** On a machine that is busy there is time for fewer; on a quiet one it takes half a minute. */
const WITHIN_MS = 150_000;

test('at some awaits of some scenarios: whatever dies, nothing is lost, done twice or told twice', {
  timeout: 2 * WITHIN_MS,
}, async () => {
  const said: string[] = [];
  const { failures, rows } = await processes.run({
    only: undefined,
    cases: CASES,
    endsAtMs: performance.now() + WITHIN_MS,
    onProgress: (line) => said.push(line),
  });
  expect(failures).toEqual([]);
  expect(rows.reduce((sum, { facts }) => sum + (facts['killed'] ?? 0), 0)).toBeGreaterThan(0);
});

test('an await reports its place, inside of another one and in a loop over pages too', () => {
  const source = [
    'export async function read(pages: AsyncIterable<number>, of: (page: number) => Promise<unknown>) {',
    '  for await (const page of pages) await of((await of(page)) as number);',
    '}',
  ].join('\n');
  expect(reportAwaits(source, 'lib/read.ts').split('\n')[1]).toBe(
    '  for await (const page of __pages("lib/read.ts:2:3", pages)) await __awaited("lib/read.ts:2:35", of((await __awaited("lib/read.ts:2:45", of(page))) as number));',
  );
});
