/** Asks every rule about one event: what fires and what it asks for, and why the others do not. */
import type { Lines } from '../model/find-ancestors.ts';
import type { RunRequest } from '../model/run-request.ts';
import type { TriggerEvent } from '../model/trigger-event.ts';
import { type Matching, matchEvent, type Rules } from './match.ts';
import { type RenderContext, renderRule } from './render.ts';
import type { RuleSet } from './rule.ts';
import { stepsOfEvent } from './steps.ts';
import { stopLoop } from './stop-loop.ts';

export interface Asked extends Omit<Matching, 'fired'> {
  /** What the rules that fire ask for, in the order of the file. */
  requests: RunRequest[];
}

export interface AskContext extends RenderContext {
  /** `ancestorSearch()` of lib/model/find-ancestors.ts, one for all events of a request. */
  ancestorsOf: (event: TriggerEvent) => Lines;
}

/** Never throws. */
export function askRules(
  ruleSet: Rules & Pick<RuleSet, 'limits'>,
  event: TriggerEvent,
  { ancestorsOf, ...given }: AskContext,
): Asked {
  const steps = given.steps ?? stepsOfEvent();
  const context = { ...given, steps };
  const { fired, ...others } = matchEvent(ruleSet, event, steps);
  const requests = fired.map((rule) =>
    stopLoop(renderRule(rule, event, context), ancestorsOf(event), ruleSet.limits.chainDepth),
  );
  return { requests, ...others };
}
