/** Which rules fire on an event, and of every other rule on its source, why it does not: both are on record. */
import type { TriggerEvent } from '../model/trigger-event.ts';
import { type Refusal, whyNotAllowed } from './allow.ts';
import type { Condition } from './condition.ts';
import type { Rule, RuleIndex, RuleSet } from './rule.ts';
import { indexOf } from './rule-index.ts';
import { type Steps, stepsOfEvent } from './steps.ts';
import { whyOutside } from './tenants.ts';

export interface NotFired {
  rule: Rule;
  because: string;
  /** The part of `when` that said no. */
  clause?: string;
  /**
   * The person may not use the rule, so nothing else of it was asked, and neither its name nor the reason is for them.
   */
  isRefused?: true;
  /** Of that refusal: `allow.users`, `tenant.unknown`, … */
  code?: string;
}

/** With the index that they were packaged with, where there is one. */
export type Rules = Pick<RuleSet, 'rules' | 'index'>;

/** What becomes of an event at the rules on its source. */
export interface Matching {
  /** In the order of the file. */
  readonly fired: readonly Rule[];
  /** How many others are on the event's source. */
  readonly others: number;
  /**
   * Why these did not fire, in the order of the file.
   * @param most of the first so many; default: of all
   */
  whyNot(most?: number): NotFired[];
}

export type Match = { fires: true; rule: Rule } | ({ fires: false } & NotFired);

/**
 * Never throws. Who may is asked first: what `when` says of an event is for people who may use the rule. Only rules
 * that may fire are evaluated; why another does not is found when it is asked for, with the steps that are left.
 */
export function matchEvent(ruleSet: Rules, event: TriggerEvent, steps: Steps = stepsOfEvent()): Matching {
  const index = indexOfSet(ruleSet);
  const all = index.on(event.source);
  const fired = new Set<Rule>();
  const spent = new Map<Rule, NotFired>();
  for (const rule of index.candidates(event)) {
    if (whyPassedOver(rule, event) !== undefined) continue;
    if (rule.when === undefined || rule.when.holds(event, steps)) fired.add(rule);
    else if (steps.whySpent() !== undefined) spent.set(rule, outOfSteps(rule, rule.when, steps));
  }
  const absent = new Map<string, string>();
  const whyNot = (rule: Rule): NotFired | undefined =>
    spent.get(rule) ??
    whyPassedOver(rule, event) ??
    (rule.when && { rule, ...rule.when.whyNot(event, steps, absent) });
  return {
    fired: [...fired],
    others: all.count - fired.size,
    whyNot(most = all.count) {
      const reasons: NotFired[] = [];
      if (most <= 0) return reasons;
      for (const rule of all) {
        const reason = fired.has(rule) ? undefined : whyNot(rule);
        if (reason !== undefined) reasons.push(reason);
        // Before the next one is read.
        if (reasons.length >= most) break;
      }
      return reasons;
    },
  };
}

/** Those on the source, in the order of the file. */
export function rulesOn(ruleSet: Rules, source: string): Iterable<Rule> {
  return indexOfSet(ruleSet).on(source);
}

/** Where there is an index, not all of the rules are read. */
function indexOfSet(ruleSet: Rules): RuleIndex {
  return ruleSet.index ?? indexOf(ruleSet.rules);
}

export type ChatEvent = Extract<TriggerEvent, { kind: 'chat' }>;

/** Whether a rule fires on a command that names it. Permission is checked before the rule is evaluated. */
export function matchNamed(rule: Rule, event: ChatEvent, steps: Steps = stepsOfEvent()): Match {
  const refusal = whyMayNotUse(rule, event);
  if (refusal !== undefined) return { fires: false, ...refused(rule, refusal) };
  if (!rule.isByName) {
    return { fires: false, rule, because: 'it is not run by its name: it lacks `byName: true`' };
  }
  if (rule.when === undefined || rule.when.holds(event, steps)) return { rule, fires: true };
  return {
    fires: false,
    ...(steps.whySpent() === undefined
      ? { rule, ...rule.when.whyNot(event, steps) }
      : outOfSteps(rule, rule.when, steps)),
  };
}

/** Why somebody may not use a rule, see its runs or cancel them, where they type; undefined when they may. */
export function whyMayNotUse(
  rule: Pick<Rule, 'allow' | 'on' | 'tenants'>,
  event: ChatEvent,
): Refusal | undefined {
  // Ids of one chat mean nothing in another.
  if (!rule.on.includes(event.source)) {
    return { code: 'allow.source', because: `the rule is not on ${event.source}` };
  }
  return (
    whyOutside(rule.tenants.get(event.source), event.source, event.data) ??
    whyNotAllowed(rule.allow, event.data)
  );
}

/** Why a rule does not fire whatever its `when` says. */
function whyPassedOver(rule: Rule, event: TriggerEvent): NotFired | undefined {
  const refusal = event.kind === 'chat' ? whyMayNotUse(rule, event) : undefined;
  if (refusal !== undefined) return refused(rule, refusal);
  // An alert that is over, or that somebody is at work on, is no reason to run anything unless the rule says so.
  if (event.kind === 'alert' && event.data.status !== 'firing' && rule.when?.asksForStatus !== true) {
    return {
      rule,
      because: `${event.data.status} alerts fire only rules whose \`when\` asks for event.data.status`,
    };
  }
  // Without `when` it says nothing of other events: on GitHub it would run at every push.
  if (rule.isByName && (event.kind === 'chat' || rule.when === undefined)) {
    return { rule, because: `people run it by its name: \`run ${rule.name}\`` };
  }
  return undefined;
}

function outOfSteps(rule: Rule, when: Condition, steps: Steps): NotFired {
  return { rule, because: steps.whySpent() ?? '', clause: when.clauses[0]?.text ?? when.text };
}

function refused(rule: Rule, refusal: Refusal): NotFired {
  return { rule, ...refusal, isRefused: true };
}
