/** `rules test` with files of cases: each is played, and what differs from what it expects is said. */
import { globSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../../command.ts';
import { count } from '../../effect-line.ts';
import { type Played, playCases } from './cases/play.ts';
import { readCases } from './cases/read.ts';

const CASES_FILE = /\.test\.ya?ml$/;

/** Whether the arguments are files or folders of cases; otherwise they are one event. */
export async function areCases(names: readonly string[]): Promise<boolean> {
  const kinds = await Promise.all(names.map(async (name) => CASES_FILE.test(name) || (await isFolder(name))));
  return names.length > 0 && kinds.every((is) => is);
}

/**
 * @param names files of cases, and folders that have some
 * @returns the exit code: 1 when one is not as expected
 */
export async function testCases(names: readonly string[], isJson: boolean): Promise<number> {
  const files = (await Promise.all(names.map(casesIn))).flat();
  const played: { file: string; cases: Played[] }[] = [];
  for (const file of files) played.push({ file, cases: await playCases(await readCases(file)) });
  const cases = played.flatMap((it) => it.cases);
  const failed = cases.filter(({ problems }) => problems.length > 0);
  if (isJson) console.log(JSON.stringify(played, undefined, 2));
  else {
    for (const line of played.flatMap(linesOf)) console.log(line);
    console.log(
      `\n${count(cases.length, 'case')} in ${count(files.length, 'file')}: ${failed.length === 0 ? 'all as expected' : `${failed.length} not as expected`}.`,
    );
  }
  return failed.length === 0 ? 0 : 1;
}

async function casesIn(name: string): Promise<string[]> {
  if (!(await isFolder(name))) return [name];
  const files = globSync('**/*.test.{yml,yaml}', { cwd: name }).filter(
    (file) => !file.split('/').includes('node_modules'),
  );
  if (files.length > 0) return files.toSorted().map((file) => join(name, file));
  throw new UsageError(`There is no file of cases (rules.test.yml) in ${name}.`, { folder: name });
}

async function isFolder(name: string): Promise<boolean> {
  return await stat(name).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

function linesOf({ file, cases }: { file: string; cases: readonly Played[] }): string[] {
  return [
    file,
    ...cases.flatMap(({ name, problems }) => [
      `  ${problems.length === 0 ? '✓' : '✗'} ${name}`,
      ...problems.map((problem) => `      ${problem}`),
    ]),
  ];
}
