/** docs/fault-report.md: made from the last report of each suite, with what people write below it kept. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { commandOf, SuiteReport } from './suite.ts';

const RESULTS = fileURLToPath(new URL('results.json', import.meta.url));
const PAGE = fileURLToPath(new URL('../../docs/fault-report.md', import.meta.url));
const BY_HAND = '<!-- Below: written by hand, and kept. -->';

const Results = z.array(SuiteReport);

/** Of suites that were not run this time, the last report stays. */
export function writeReport(reports: readonly SuiteReport[]): void {
  const kept = existsSync(RESULTS) ? Results.parse(JSON.parse(readFileSync(RESULTS, 'utf8'))) : [];
  const isNew = ({ suite }: SuiteReport) => reports.some((one) => one.suite === suite);
  const all = [...kept.filter((one) => !isNew(one)), ...reports].toSorted((a, b) =>
    a.suite.localeCompare(b.suite),
  );
  writeFileSync(RESULTS, `${JSON.stringify(all, null, 2)}\n`);
  const page = existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : '';
  const byHand = page.split(BY_HAND)[1] ?? '\n\n## Found and mended\n';
  writeFileSync(PAGE, `${pageOf(all)}\n${BY_HAND}${byHand}`);
}

function pageOf(reports: readonly SuiteReport[]): string {
  return [
    '# Fault report',
    '',
    'Written by `npm run faults`, which brings about faults on purpose and compares what the commands themselves wrote, what',
    'the clouds, the table and the queues have, and the completion events. `npm test` runs a small part of it.',
    '',
    '| suite | cases | failed | not run | seconds |',
    '| --- | --- | --- | --- | --- |',
    ...reports.map(
      ({ suite, rows, failures, notRun, seconds }) =>
        `| ${suite} | ${rows.reduce((sum, { cases }) => sum + cases, 0)} | ${failures.length} | ${notRun} | ${seconds} |`,
    ),
    ...reports.flatMap(sectionOf),
    '',
  ].join('\n');
}

function sectionOf({ suite, what, rows, failures }: SuiteReport): string[] {
  const facts = [...new Set(rows.flatMap((row) => Object.keys(row.facts)))];
  const cells = (values: readonly (string | number)[]) => `| ${values.join(' | ')} |`;
  return [
    '',
    `## ${suite}`,
    '',
    what,
    '',
    cells(['', 'cases', ...facts]),
    cells(['---', '---', ...facts.map(() => '---')]),
    ...rows.map(({ name, cases, facts: of }) => cells([name, cases, ...facts.map((fact) => of[fact] ?? 0)])),
    ...(failures.length === 0 ? [] : ['', 'Failed:', '']),
    ...failures.map(({ case: name, problems }) => `- \`${commandOf(suite, name)}\`: ${problems[0]}`),
  ];
}
