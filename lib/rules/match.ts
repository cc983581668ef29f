/** Which rules fire on an event, and of every other rule on its source, why it does not: both are on record. */
import type { TriggerEvent } from '../model/trigger-event.ts';
import { whyNotAllowed } from './allow.ts';
import type { Rule, RuleSet } from './rule.ts';
import { type Steps, stepsOfEvent } from './steps.ts';
import { whyOutside } from './tenants.ts';

export type Match =
  | { rule: Rule; fires: true }
  /**
   * `clause`: the part of `when` that said no. `isRefused`: the person may not use the rule, so nothing else of it was
   * asked, and neither its name nor the reason is for them.
   */
  | { rule: Rule; fires: false; because: string; clause?: string; isRefused?: true };

/**
 * One match for each rule whose `on` has the event's source, in the order of the file. Never throws. Who may is asked
 * first: what `when` says of an event is for people who may use the rule.
 */
export function matchRules(
  ruleSet: Pick<RuleSet, 'rules'>,
  event: TriggerEvent,
  steps: Steps = stepsOfEvent(),
): Match[] {
  return ruleSet.rules
    .filter(({ on }) => on.includes(event.source))
    .map((rule) => matchRule(rule, event, steps));
}

export type ChatEvent = Extract<TriggerEvent, { kind: 'chat' }>;

/** Whether a rule fires on a command that names it. Who may not is told before anything of the rule is looked at. */
export function matchNamed(rule: Rule, event: ChatEvent, steps: Steps = stepsOfEvent()): Match {
  const refusal = whyMayNotUse(rule, event);
  if (refusal !== undefined) return refused(rule, refusal);
  if (!rule.isByName) return no(rule, 'it is not run by its name: it lacks `byName: true`');
  const outcome = rule.when?.check(event, steps);
  return outcome?.holds === false
    ? { ...no(rule, outcome.because), clause: outcome.clause }
    : { rule, fires: true };
}

/** Why somebody may not use a rule, see its runs or cancel them, where they type; undefined when they may. */
export function whyMayNotUse(
  rule: Pick<Rule, 'allow' | 'on' | 'tenants'>,
  event: ChatEvent,
): string | undefined {
  // Ids of one chat mean nothing in another.
  if (!rule.on.includes(event.source)) return `the rule is not on ${event.source}`;
  return (
    whyOutside(rule.tenants.get(event.source), event.source, event.data) ??
    whyNotAllowed(rule.allow, event.data)
  );
}

function matchRule(rule: Rule, event: TriggerEvent, steps: Steps): Match {
  const refusal = event.kind === 'chat' ? whyMayNotUse(rule, event) : undefined;
  if (refusal !== undefined) return refused(rule, refusal);
  // An alert that is over, or that somebody is at work on, is no reason to run anything unless the rule says so.
  if (event.kind === 'alert' && event.data.status !== 'firing' && rule.when?.asksForStatus !== true) {
    return no(rule, `${event.data.status} alerts fire only rules whose \`when\` asks for event.data.status`);
  }
  // Without `when` it says nothing of other events: on GitHub it would run at every push.
  if (rule.isByName && (event.kind === 'chat' || rule.when === undefined)) {
    return no(rule, `people run it by its name: \`run ${rule.name}\``);
  }
  const outcome = rule.when?.check(event, steps);
  return outcome?.holds === false
    ? { ...no(rule, outcome.because), clause: outcome.clause }
    : { rule, fires: true };
}

function refused(rule: Rule, because: string): Extract<Match, { fires: false }> {
  return { ...no(rule, because), isRefused: true };
}

function no(rule: Rule, because: string): Extract<Match, { fires: false }> {
  return { rule, fires: false, because };
}
