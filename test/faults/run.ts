/**
 * `npm run faults`: all suites, within half an hour on two cores, and docs/fault-report.md from what they found.
 * `npm run faults -- <suite>` runs one; `npm run faults -- <suite> '<case>'` runs one case again, as a failure names it;
 * `npm run faults -- <suite> 100` runs so many, spread over all. The report is of whole runs.
 */
import { writeReport } from './report.ts';
import { commandOf, type SuiteReport } from './suite.ts';
import { SUITES } from './suites.ts';

const WHOLE_MS = 28 * 60_000;

const [named, which] = process.argv.slice(2);
const cases = /^\d+$/.test(which ?? '') ? Number(which) : undefined;
const only = cases === undefined ? which : undefined;
const suites = SUITES.filter(({ name }) => named === undefined || name === named);
if (suites.length === 0) {
  console.error(`There is no suite ${named}; there are ${SUITES.map(({ name }) => name).join(', ')}.`);
  process.exit(1);
}
const endsAtMs = performance.now() + WHOLE_MS;
const reports: SuiteReport[] = [];
for (const [index, suite] of suites.entries()) {
  const share = (endsAtMs - performance.now()) / (suites.length - index);
  const report = await suite.run({
    only,
    cases,
    endsAtMs: performance.now() + share,
    onProgress: (line) => console.log(`${suite.name}: ${line}`),
  });
  reports.push(report);
  for (const { case: name, problems } of report.failures) {
    console.error(
      `\nfailed: ${commandOf(suite.name, name)}\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    );
  }
}
if (which === undefined) writeReport(reports);
const count = reports.flatMap(({ rows }) => rows).reduce((sum, one) => sum + one.cases, 0);
const failures = reports.flatMap((report) => report.failures).length;
const notRun = reports.reduce((sum, report) => sum + report.notRun, 0);
console.log(`\n${count} cases, ${failures} failed${notRun > 0 ? `, no time for ${notRun}` : ''}`);
process.exitCode = failures > 0 ? 1 : 0;
