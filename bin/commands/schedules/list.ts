/** Prints when each standing schedule fires next. */
import type { StandingSchedule } from '../../../lib/rules/rule.ts';
import { readRules } from '../rules/read.ts';
import { checkRecurrence } from '../rules/recurrence.ts';
import { nextTimes, showIn, zoneName } from './times.ts';

const COUNT = 5;

/** @returns the exit code */
export async function listSchedules(fileName: string, now: Date): Promise<number> {
  const { schedules } = await readRules(fileName);
  const problems = schedules.flatMap((schedule) => checkRecurrence(schedule) ?? []);
  for (const problem of problems) console.error(`${fileName}: ${problem}`);
  if (problems.length > 0) return 1;
  if (schedules.length === 0) console.log(`${fileName} has no standing schedules.`);
  for (const schedule of schedules) for (const line of linesOf(schedule, now)) console.log(line);
  return 0;
}

function linesOf(schedule: StandingSchedule, now: Date): string[] {
  const { name, provider, region, command, instances, timing, isEnabled, notify } = schedule;
  const when = 'at' in timing ? `at ${timing.at}` : `'${timing.recurrence}'`;
  return [
    `${name}: ${when}${isEnabled ? '' : ', not enabled'}`,
    `  ${command} on ${instances.join(', ')} (${provider}, ${region}), tells ${notify.map((ref) => ref.name).join(', ') || 'nobody'}`,
    ...timesOf(schedule, now).map((line) => `    ${line}`),
    '',
  ];
}

function timesOf(schedule: StandingSchedule, now: Date): string[] {
  const { times, zone, note } = nextTimes(schedule, COUNT, now);
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
