/** All that becomes of an event at the rules on its source, as a test wants to compare it. */
import type { TriggerEvent } from '../../../lib/model/trigger-event.ts';
import { type Match, matchEvent, rulesOn } from '../../../lib/rules/match.ts';
import type { Steps } from '../../../lib/rules/steps.ts';

/** One match for each rule whose `on` has the event's source, in the order of the file. */
export function matchRules(
  ruleSet: Parameters<typeof matchEvent>[0],
  event: TriggerEvent,
  steps?: Steps,
): Match[] {
  const matching = matchEvent(ruleSet, event, steps);
  const others = new Map(matching.whyNot().map((it) => [it.rule, it]));
  return [...rulesOn(ruleSet, event.source)].map((rule) => {
    const other = others.get(rule);
    return other === undefined ? { rule, fires: true } : { fires: false, ...other };
  });
}
