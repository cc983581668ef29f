/** docs/safety.md promises; each promise names tests, and those have to be there. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** `test/….test.ts` › `title`, `title` …; the titles as they stand in the file. */
const REFERENCE = /`(test\/[^`]+\.test\.ts)` ›\s+((?:`[^`]+`(?:,\s+)?)+)/g;

const page = readFileSync('docs/safety.md', 'utf8');
const references = [...page.matchAll(REFERENCE)].flatMap(([, file = '', titles = '']) =>
  [...titles.matchAll(/`([^`]+)`/g)].map(([, title = '']) => ({ file, title: title.replace(/\s+/g, ' ') })),
);

test('the page names tests, and none in a form that is not read here', () => {
  const named = page.match(/`test\/[^`]+\.test\.ts`/g) ?? [];
  expect(references.length).toBeGreaterThanOrEqual(named.length);
  expect(named.length).toBeGreaterThan(20);
});

test.each(references)('$file has the test "$title"', ({ file, title }) => {
  expect(readFileSync(file, 'utf8')).toContain(title);
});
