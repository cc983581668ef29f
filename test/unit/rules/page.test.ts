/** What docs/rules.md shows works: every expression and template in it is compiled. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { EventKind } from '../../../lib/model/trigger-event.ts';
import { compileCondition } from '../../../lib/rules/condition.ts';
import { compileTemplate } from '../../../lib/rules/template.ts';
import { generate } from '../../../scripts/generate/rules-page.ts';

const PAGE = readFileSync(new URL('../../../docs/rules.md', import.meta.url), 'utf8');

/** The values of these lines of the page, as YAML reads them; a list's one by one. */
function examplesOf(field: string): string[] {
  const lines = [...PAGE.matchAll(new RegExp(`^${field}: .*$`, 'gm'))].map(([line]) =>
    z.record(z.string(), z.unknown()).parse(parse(line)),
  );
  return lines.flatMap((line) =>
    z.union([z.string().transform((text) => [text]), z.array(z.string())]).parse(line[field]),
  );
}

test.each(examplesOf('when'))('when: %s', (when) => {
  expect(EventKind.options.filter((kind) => compileCondition(when, [kind]).ok)).not.toEqual([]);
});

test.each(examplesOf('instances'))('instances: %s', (text) => {
  expect(compileTemplate(text, ['alert'], true)).toMatchObject({ ok: true });
});

test('the page has examples', () => {
  expect(examplesOf('when').length + examplesOf('instances').length).toBeGreaterThan(7);
});

test('its tables are those of the schema (npm run generate)', async () => {
  expect(await generate()).toEqual([{ path: 'docs/rules.md', content: PAGE }]);
});
