/** Prints what a rules file has; what is wrong with it is thrown and shown by bin/fleet-reflex.ts. */
import { describeDestination } from '../../../lib/model/destination-ref.ts';
import { taggedPart } from '../../../lib/rules/fleet.ts';
import type { Rule, RuleSet, StandingSchedule, TargetTemplate } from '../../../lib/rules/rule.ts';
import { instancesText, placeText } from './instances-text.ts';
import { readRules } from './read.ts';
import { checkRecurrence, checkRule, problemsOf } from './recurrence.ts';
import { windowLines } from './windows.ts';

/** @returns the exit code */
export async function checkRules(fileName: string): Promise<number> {
  const ruleSet = await readRules(fileName);
  const problems = [
    ...(await problemsOf(ruleSet.rules, checkRule)),
    ...(await problemsOf(ruleSet.schedules, checkRecurrence)),
  ];
  for (const problem of problems) console.error(`${fileName}: ${problem}`);
  for (const warning of ruleSet.warnings) console.log(`warning: ${warning}`);
  if (problems.length > 0) return 1;
  for (const line of summaryOf(ruleSet, new Date())) console.log(line);
  return 0;
}

function summaryOf(ruleSet: RuleSet, now: Date): string[] {
  const { rules, schedules, fileName, windows } = ruleSet;
  const sources = new Set(rules.flatMap(({ on }) => on));
  const destinations = new Set(rules.flatMap(({ notify }) => notify.map((ref) => describeDestination(ref))));
  const width = Math.max(0, ...rules.map(({ name }) => name.length));
  return [
    `${fileName} is fine: ${count(rules.length, 'rule')}, ${count(schedules.length, 'schedule')}`,
    ...rules.map((rule) => `  ${rule.name.padEnd(width)}  ${whenOf(rule, rules)}: ${describe(rule)}`),
    ...schedules.map((schedule) => `  ${schedule.name}: ${describeSchedule(schedule)}`),
    ...windowLines(windows, rules, now),
    `sources: ${[...sources].toSorted().join(', ') || 'none'}`,
    `destinations: ${[...destinations].toSorted().join(', ') || 'none'}`,
  ];
}

function whenOf({ name, on }: Rule, rules: readonly Rule[]): string {
  if (on.length > 0) return `on ${on.join(', ')}`;
  const before = rules.filter(({ followUps = [] }) => followUps.some(({ rule }) => rule.name === name));
  return `after ${before.map((rule) => rule.name).join(', ')}`;
}

function describe({ action }: Rule): string {
  if (action.kind === 'cancel') return `cancel ${action.targetRule}`;
  const { command, provider } = action.target;
  return `${action.kind} ${command.text} on ${describePlace(action.target)} (${provider})`;
}

function describePlace({ instances, fleet, fleetChoice }: TargetTemplate): string {
  const named = instancesText(instances.map(({ text }) => text.replaceAll(/\s+/g, ' ')));
  if (fleetChoice !== undefined) {
    const names = fleetChoice.of.map(({ name }) => name).join(', ');
    const which = `the fleet that ${fleetChoice.from.text} names, of ${names}`;
    return named === '' ? which : `${named} of ${which}`;
  }
  const tagged = fleet && taggedPart(fleet);
  if (tagged !== undefined) return placeText({ instances: instances.map(({ text }) => text) }, tagged);
  return named === '' ? instancesText([...(fleet?.instances ?? [])]) : named;
}

function describeSchedule(schedule: StandingSchedule): string {
  const { command, taggedFleet, provider, timing } = schedule;
  const when = 'at' in timing ? `at ${timing.at}` : `every '${timing.recurrence}'`;
  return `${when} run ${command} on ${placeText(schedule, taggedFleet)} (${provider})`;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
