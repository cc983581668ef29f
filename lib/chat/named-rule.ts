/** Finds the rule that a person names, and tells one who mistyped what was meant, among what they may use. */
import { closest } from '../rules/did-you-mean.ts';
import { type ChatEvent, whyMayNotUse } from '../rules/match.ts';
import { optionsOf } from '../rules/options.ts';
import type { Rule, RuleSet } from '../rules/rule.ts';
import type { ChatContext } from './verb.ts';

/** The rules that a person may run by name where they type. */
export function runnableRules({ rules }: Pick<RuleSet, 'rules'>, event: ChatEvent): Rule[] {
  return rules.filter((rule) => rule.isByName && whyMayNotUse(rule, event) === undefined);
}

/** A rule that is not on this source is as unknown as one that does not exist. */
export function findRule(
  name: string,
  { ruleSet, event }: Pick<ChatContext, 'ruleSet' | 'event'>,
): { ok: true; rule: Rule } | { ok: false; problem: string } {
  const rule = ruleSet.rules.find((it) => it.name === name && it.on.includes(event.source));
  if (rule !== undefined) return { ok: true, rule };
  const names = runnableRules(ruleSet, event).map((it) => it.name);
  const guess = closest(name, names);
  const instead = guess === undefined ? '`help` lists those that you may run.' : `did you mean \`${guess}\`?`;
  return { ok: false, problem: `There is no rule \`${name}\` here; ${instead}` };
}

/** A mistyped option would be ignored, and something else run than was typed. */
export function optionProblem(rule: Rule, options: Readonly<Record<string, string>>): string | undefined {
  const known = optionsOf(rule);
  if (known === 'any') return undefined;
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return undefined;
  const guess = closest(unknown, known);
  const instead =
    guess !== undefined
      ? `did you mean \`${guess}\`?`
      : known.length > 0
        ? `it reads ${known.map((name) => `\`${name}\``).join(', ')}.`
        : 'it reads none.';
  return `Nothing started: \`${rule.name}\` has no option \`${unknown}\`; ${instead}`;
}

/** `patch-web service=… [wait=…]`, as far as the rule shows what it reads. */
export function describeUse(rule: Rule): string {
  const options = optionsOf(rule);
  const shown = options === 'any' ? ['[key=value …]'] : options.map((name) => `${name}=…`);
  return [rule.name, ...shown].join(' ');
}
