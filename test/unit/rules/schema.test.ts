/** The JSON Schema that editors use is the one of the code, and the file names it. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { generate } from '../../../scripts/generate/rules-schema.ts';

const ROOT = new URL('../../../', import.meta.url);

test('events/schemas/rules.schema.json is what the code makes (npm run generate)', async () => {
  const [file] = await generate();
  expect(readFileSync(new URL(file?.path ?? '', ROOT), 'utf8')).toBe(file?.content);
});

test('rules.yml begins with the line that tells editors', () => {
  expect(readFileSync(new URL('rules.yml', ROOT), 'utf8')).toMatch(
    /^# yaml-language-server: \$schema=\.\/events\/schemas\/rules\.schema\.json\n/,
  );
});

test('every field says what it is for', async () => {
  const [file] = await generate();
  const undescribed: string[] = [];
  const visit = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null) return;
    const { properties } = { properties: undefined, ...value };
    if (typeof properties === 'object' && properties !== null && !path.includes('sources')) {
      for (const [name, field] of Object.entries(properties)) {
        const has = typeof field === 'object' && field !== null && 'description' in field;
        if (!has) undescribed.push(`${path}.${name}`);
      }
    }
    for (const [name, child] of Object.entries(value)) visit(child, `${path}.${name}`);
  };
  visit(JSON.parse(file?.content ?? ''), '');
  expect(undescribed).toEqual([]);
});
