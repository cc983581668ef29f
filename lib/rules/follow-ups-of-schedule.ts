/**
 * What may run after a firing of a standing schedule. No event asks for it, so everything is known when the rules are loaded:
 * it is rendered then, and what would need an event is a mistake of the file.
 */
import { isDeepStrictEqual } from 'node:util';
import { SCHEDULE_SOURCE } from '../model/run.ts';
import type { FollowUp } from '../model/run-request.ts';
import type { TriggerEvent } from '../model/trigger-event.ts';
import type { Path } from './positions.ts';
import type { Problems } from './problems.ts';
import { renderFollowUps } from './render-follow-ups.ts';
import type { FollowUpRule, StandingSchedule } from './rule.ts';
import { stepsOfEvent } from './steps.ts';

/** The schedule with what follows it, as it is packaged and stored. What is wrong is added to the problems. */
export function withFollowUps(
  schedule: StandingSchedule,
  rules: readonly FollowUpRule[],
  path: Path,
  problems: Problems,
): StandingSchedule {
  if (rules.length === 0) return schedule;
  const [followUps, others] = ['1', '2'].map((firing) => render(rules, schedule.name, firing));
  if (followUps === undefined) return schedule;
  const wrong = isDeepStrictEqual(followUps, others)
    ? followUps.map(whyNot).find((problem) => problem !== undefined)
    : 'reads the id or the time of an event, and a standing schedule has none';
  if (wrong === undefined) return { ...schedule, followUps };
  const names = rules.map(({ rule }) => `\`${rule.name}\``).join(' or ');
  problems.add(path, `what follows it (${names}) ${wrong}`);
  return schedule;
}

function render(rules: readonly FollowUpRule[], name: string, firing: string): FollowUp[] {
  const event: TriggerEvent = {
    specversion: '1.0',
    kind: 'generic',
    source: SCHEDULE_SOURCE,
    type: 'schedule.fired',
    id: firing,
    subject: name,
    time: new Date(Number(firing)).toISOString(),
    data: { body: {} },
  };
  const plain: FollowUp[] = JSON.parse(JSON.stringify(renderFollowUps(rules, event, stepsOfEvent()) ?? []));
  return plain;
}

function whyNot({ asks, followUps = [] }: FollowUp): string | undefined {
  if (asks.action === 'reject') return `would be rejected without an event: ${asks.reason.message}`;
  if (asks.target.secretParameters !== undefined)
    return 'has a secret parameter, whose value would stay in the table for as long as the schedule';
  return followUps.map(whyNot).find((problem) => problem !== undefined);
}
