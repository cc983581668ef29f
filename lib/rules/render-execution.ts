/** Fills in the templates of what a rule runs: its target and its guards, for a run at once, later, or after another. */
import { EMPTY_KEY, isBlankKey, keyFor } from '../model/guard-key.ts';
import type { RenderedGuards } from '../model/run-request.ts';
import type { TriggerEvent } from '../model/trigger-event.ts';
import type { Expression } from './expression.ts';
import { type Fleet, taggedPart } from './fleet.ts';
import { Rejection } from './rejection.ts';
import { patternsOf, renderTarget } from './render-target.ts';
import type { Execution } from './rule.ts';
import type { Steps } from './steps.ts';
import { toText } from './template.ts';

/** What runs where, and how it is executed. */
export function renderBoth(action: Execution, event: TriggerEvent, steps: Steps) {
  const { asked, fleet } = renderAsked(action, event, steps);
  return { ...asked, ...renderExecution(action, fleet, event, steps) };
}

function renderAsked({ target }: Execution, event: TriggerEvent, steps: Steps) {
  const { target: rendered, fleet } = renderTarget(target, event, steps);
  const taggedFleet = fleet && taggedPart(fleet);
  const asked = { target: rendered, patterns: patternsOf(target), ...(taggedFleet && { taggedFleet }) };
  return { asked, fleet };
}

function renderExecution(action: Execution, fleet: Fleet | undefined, event: TriggerEvent, steps: Steps) {
  const { onUnavailable, waves, approval } = action;
  return { guards: renderGuards(action, fleet, event, steps), onUnavailable, waves, approval };
}

/** A scheduled run is rendered now, because the event is gone at its time. */
export function renderLater(action: Execution, event: TriggerEvent, steps: Steps) {
  const { asked, fleet } = renderAsked(action, event, steps);
  return {
    ...asked,
    execution: { ...renderExecution(action, fleet, event, steps), deadlineMs: action.deadlineMs },
  };
}

function renderGuards(
  { guards }: Execution,
  fleet: Fleet | undefined,
  event: TriggerEvent,
  steps: Steps,
): RenderedGuards {
  const { dedupe, times, maxShare, ...limits } = guards;
  return {
    ...limits,
    ...(dedupe && {
      dedupe: { ...dedupe, key: renderKey('guards.dedupe.key', dedupe.key, event, steps) },
    }),
    ...(maxShare && fleet && { maxShare: shareOf(fleet, maxShare.percent) }),
    ...(times && { times: { ...times, key: renderKey('guards.times.key', times.key, event, steps) } }),
  };
}

/** How many instances a tagged fleet has is known when the run is sent. */
function shareOf({ name, instances, tags }: Fleet, percent: number): RenderedGuards['maxShare'] {
  return { fleet: name, percent, ...(tags === undefined && { size: instances.size }) };
}

export function renderKey(field: string, key: Expression, event: TriggerEvent, steps: Steps): string {
  const evaluation = key.evaluate(event, steps);
  const text = evaluation.ok ? toText(evaluation.value) : undefined;
  if (text === undefined) {
    const because = evaluation.ok ? `\`${key.text}\` is no text` : evaluation.because;
    throw new Rejection('template.failed', `\`${field}\`: ${because}`);
  }
  steps.spend(Math.ceil(text.length / CHARACTERS_HASHED));
  if (!isBlankKey(text)) return keyFor(text);
  throw new Rejection(
    EMPTY_KEY,
    `\`${field}\`: expected a text that tells this event from others, and \`${key.text}\` is empty here. Let \`when\` leave such events out, or choose a field that they have.`,
  );
}

/** A key, in one step. */
const CHARACTERS_HASHED = 16;
