/** Prints when each standing schedule fires next, and what else waits for its time. */

import * as z from 'zod';
import { FleetReflexError } from '../../../lib/errors.ts';
import type { StandingSchedule } from '../../../lib/rules/rule.ts';
import { lineOf, RunSummary } from '../../run-lines.ts';
import { callRunsApi } from '../../runs-client.ts';
import { placeText } from '../rules/instances-text.ts';
import { readRules } from '../rules/read.ts';
import { checkRecurrence, problemsOf } from '../rules/recurrence.ts';
import { nextTimes, showIn, zoneName } from './times.ts';

const COUNT = 5;

const Page = z.looseObject({ runs: z.array(RunSummary) });

/** @returns the exit code */
export async function listSchedules(fileName: string, now: Date): Promise<number> {
  const { schedules } = await readRules(fileName);
  const problems = await problemsOf(schedules, checkRecurrence);
  for (const problem of problems) console.error(`${fileName}: ${problem}`);
  if (problems.length > 0) return 1;
  if (schedules.length === 0) console.log(`${fileName} has no standing schedules.`);
  for (const schedule of schedules) for (const line of await linesOf(schedule, now)) console.log(line);
  await listWaiting();
  return 0;
}

/** Only the deployment knows the schedules of rules and people. */
async function listWaiting(): Promise<void> {
  try {
    const { runs } = Page.parse(await callRunsApi('GET', '/runs?status=scheduled&limit=100'));
    if (runs.length === 0) return;
    console.log('Waiting for their time; `fleet-reflex cancel <run id>` takes one back:');
    for (const run of runs) console.log(lineOf(run));
  } catch (thrown) {
    if (!(thrown instanceof FleetReflexError)) throw thrown;
    console.error(`What rules scheduled is not shown: ${thrown.message}`);
  }
}

async function linesOf(schedule: StandingSchedule, now: Date): Promise<string[]> {
  const { name, provider, region, command, instances, taggedFleet, timing, isEnabled, notify } = schedule;
  const where = taggedFleet ? placeText({ instances }, taggedFleet) : instances.join(', ');
  const when = 'at' in timing ? `at ${timing.at}` : `'${timing.recurrence}'`;
  return [
    `${name}: ${when}${isEnabled ? '' : ', not enabled'}`,
    `  ${command} on ${where} (${provider}, ${region}), tells ${notify.map((ref) => ref.name).join(', ') || 'nobody'}`,
    ...(await timesOf(schedule, now)).map((line) => `    ${line}`),
    '',
  ];
}

async function timesOf(schedule: StandingSchedule, now: Date): Promise<string[]> {
  const { times, zone, note } = await nextTimes(schedule, COUNT, now);
  const said = note === undefined ? [] : [note];
  if (times.length === 0) return said;
  const here = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  const zones = [...new Map([zone, 'UTC', here].map((one) => [zoneName(one), one])).values()];
  const rows = [zones.map(zoneName), ...times.map((time) => zones.map((one) => showIn(time, one)))];
  const width = Math.max(...rows.flat().map((cell) => cell.length));
  return [
    ...said,
    ...rows.map((row) =>
      row
        .map((cell) => cell.padEnd(width))
        .join('   ')
        .trimEnd(),
    ),
  ];
}
