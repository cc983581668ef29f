/** Finds the rule that a person names, or suggests a similar name, among the rules that they may use. */
import { closest } from '../rules/did-you-mean.ts';
import { optionsOf } from '../rules/options.ts';
import type { Rule } from '../rules/rule.ts';

/** @param rules those that the person may use where they type */
export function runnableRules(rules: readonly Rule[]): Rule[] {
  return rules.filter(({ isByName }) => isByName);
}

/**
 * A rule on another source, or one that the person may not use, looks like one that does not exist.
 * @param rules those that the person may use where they type
 */
export function findRule(
  name: string,
  rules: readonly Rule[],
): { ok: true; rule: Rule } | { ok: false; problem: string } {
  const rule = rules.find((it) => it.name === name);
  if (rule !== undefined) return { ok: true, rule };
  const names = runnableRules(rules).map((it) => it.name);
  const guess = closest(name, names);
  const instead = guess === undefined ? '`help` lists those that you may run.' : `did you mean \`${guess}\`?`;
  return { ok: false, problem: `There is no rule \`${name}\` here; ${instead}` };
}

/** Refuses unknown options: a mistyped one would be ignored, and the run would differ from the command. */
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

/** `patch-web service=… [wait=…]`, from the options that the rule's expressions read. */
export function describeUse(rule: Rule): string {
  const options = optionsOf(rule);
  const shown = options === 'any' ? ['[key=value …]'] : options.map((name) => `${name}=…`);
  return [rule.name, ...shown].join(' ');
}
