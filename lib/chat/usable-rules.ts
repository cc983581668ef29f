/** Permissions, checked once for each chat event and before anything else: verbs and rules see only the permitted rules. */
import type { Refusal } from '../rules/allow.ts';
import { type ChatEvent, type Rules, rulesOn, whyMayNotUse } from '../rules/match.ts';
import type { Rule } from '../rules/rule.ts';

export interface UsableRules {
  /** Those that the person may use where they type. */
  rules: readonly Rule[];
  /** The others on this source, with the reason, for the record. */
  refused: readonly (Refusal & { rule: string; isRefused: true })[];
}

export function usableRules(ruleSet: Rules, event: ChatEvent): UsableRules {
  const usable: Rule[] = [];
  const refused: UsableRules['refused'][number][] = [];
  for (const rule of rulesOn(ruleSet, event.source)) {
    const refusal = whyMayNotUse(rule, event);
    if (refusal === undefined) usable.push(rule);
    else refused.push({ rule: rule.name, ...refusal, isRefused: true });
  }
  return { rules: usable, refused };
}

/**
 * The answer to a person who may use no rule here, for any text: no rule, no clause, no run. It contains only their own
 * id, ready to be listed, and not their name, which they chose.
 */
export function mayNotText({ data: { user } }: ChatEvent): string {
  const whom = user.id === undefined ? 'you' : `\`${user.id}\``;
  return `You may not use this here; ask the people who keep its rules to allow ${whom}.`;
}
