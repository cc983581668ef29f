/** The rules that come with the project, and what they have to do: each example and rules.yml are checked and played. */
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { playCases } from '../../../bin/commands/rules/cases/play.ts';
import { readCases } from '../../../bin/commands/rules/cases/read.ts';
import { checkRules } from '../../../bin/commands/rules/check.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const EXAMPLES = readdirSync(`${ROOT}examples`, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() ? [`examples/${entry.name}`] : [],
);

afterEach(() => vi.restoreAllMocks());

it.each(EXAMPLES)('%s has rules, cases and a page', (folder) => {
  const missing = ['rules.yml', 'rules.test.yml', 'README.md'].filter(
    (name) => !existsSync(`${ROOT}${folder}/${name}`),
  );
  expect(missing).toEqual([]);
});

describe.each(['.', ...EXAMPLES])('%s', (folder) => {
  it('has rules without a mistake, and without anything that deserves a second look', async () => {
    const out: string[] = [];
    vi.spyOn(console, 'log').mockImplementation((line) => out.push(String(line)));
    expect(await checkRules(`${ROOT}${folder}/rules.yml`)).toBe(0);
    // Everybody may use the rules that a reader tries first; what is built on is for people who are named.
    if (folder !== '.') expect(out.filter((line) => line.startsWith('warning'))).toEqual([]);
  });

  it('does what its cases say, and nothing else', async () => {
    const cases = await readCases(`${ROOT}${folder}/rules.test.yml`);
    const played = await playCases(cases);
    expect(played.flatMap(({ problems }) => problems)).toEqual([]);
    const { rules } = cases.ruleSet;
    const named = JSON.stringify(cases.given.cases.map(({ expect: expected }) => expected));
    // Of rules.yml only the kinds are shown; an example without a case for each of its rules shows half.
    if (folder !== '.') expect(rules.filter(({ name }) => !named.includes(`"${name}"`))).toEqual([]);
  });
});
