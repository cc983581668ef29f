/** Asks every rule about one event: what fires and what it asks for, and why the others do not. */
import type { Lines } from '../model/find-ancestors.ts';
import type { RunRequest } from '../model/run-request.ts';
import type { TriggerEvent } from '../model/trigger-event.ts';
import { type Match, matchRules } from './match.ts';
import { type RenderContext, renderRule } from './render.ts';
import type { RuleSet } from './rule.ts';
import { stepsOfEvent } from './steps.ts';
import { stopLoop } from './stop-loop.ts';

export interface Asked {
  match: Match;
  /** Where the rule fires. */
  request?: RunRequest;
}

export interface AskContext extends RenderContext {
  /** `ancestorSearch()` of lib/model/find-ancestors.ts, one for all events of a request. */
  ancestorsOf: (event: TriggerEvent) => Lines;
}

/** One for each rule on the event's source, in the order of the file. Never throws. */
export function askRules(
  { rules, limits }: Pick<RuleSet, 'rules' | 'limits'>,
  event: TriggerEvent,
  { ancestorsOf, ...given }: AskContext,
): Asked[] {
  const steps = given.steps ?? stepsOfEvent();
  const context = { ...given, steps };
  return matchRules({ rules }, event, steps).map((match) =>
    match.fires
      ? {
          match,
          request: stopLoop(renderRule(match.rule, event, context), ancestorsOf(event), limits.chainDepth),
        }
      : { match },
  );
}
