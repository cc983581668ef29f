/**
 * Makes the run request of a rule that matched: templates filled in, every value checked against its pattern. What
 * must not run becomes a rejection with its reason, which is recorded and told like any other end of a run.
 */
import { actorOf } from '../model/actor.ts';
import { endOf, episodeOf } from '../model/episode-of.ts';
import { EMPTY_KEY, isBlankKey, keyFor } from '../model/guard-key.ts';
import type { ReplyTo } from '../model/reply-to.ts';
import { runIdFor } from '../model/run-id.ts';
import type { RenderedGuards, RunRequest } from '../model/run-request.ts';
import type { TriggerEvent } from '../model/trigger-event.ts';
import type { Expression } from './expression.ts';
import { type Fleet, taggedPart } from './fleet.ts';
import { AT_EXPECTED, toInstant, whyNotAt } from './instant.ts';
import { Rejection, renderField } from './rejection.ts';
import { patternsOf, renderTarget } from './render-target.ts';
import type { CancelAction, Execution, Rule, RunAction, ScheduleAction } from './rule.ts';
import { OutOfSteps, type Steps, stepsOfEvent } from './steps.ts';
import { toText } from './template.ts';

export interface RenderContext {
  now: Date;
  /** When the event was received or its message sent: deadlines count from then. Default: now. */
  askedAt?: Date | undefined;
  /** The request's own, before the event's. */
  traceparent?: string | undefined;
  replyTo?: ReplyTo | undefined;
  /** ISO 8601 UTC: what a `run` rule asks for is to run then. Default: at once. */
  at?: string | undefined;
  /** The remaining steps of the event. Default: those of a single event. */
  steps?: Steps | undefined;
}

/**
 * @returns what the rule asks for, or a rejection with the code `limit.steps`, `template.failed`, `key.empty`, `parameters.unsafe`,
 * `instances.invalid`, `instances.not-in-fleet`, `fleet.not-allowed`, `command.invalid`, `region.invalid`, `username.invalid`, `workingDirectory.invalid` or
 * `schedule.invalid`. Never throws.
 */
export function renderRule(rule: Rule, event: TriggerEvent, context: RenderContext): RunRequest {
  const { action } = rule;
  const common = commonOf(rule, event, context);
  const { steps = stepsOfEvent() } = context;
  try {
    switch (action.kind) {
      case 'run':
        return context.at === undefined
          ? { ...common, version: 2, action: 'run', ...renderRun(action, event, context, steps) }
          : {
              ...common,
              version: 2,
              action: 'schedule',
              at: context.at,
              ...renderLater(action, event, steps),
            };
      case 'cancel':
        return { ...common, version: 1, action: 'cancel', ...renderCancel(action, event, steps) };
      case 'schedule':
        return {
          ...common,
          version: 2,
          action: 'schedule',
          ...renderSchedule(action, event, context, steps),
        };
    }
  } catch (thrown) {
    const { code, message, target } = rejectionOf(thrown, steps);
    return {
      ...common,
      version: 2,
      action: 'reject',
      target: action.kind === 'cancel' ? undefined : { provider: action.target.provider, ...target },
      reason: { code, message },
    };
  }
}

/** Where the steps are used up, that is the reason, whatever failed for it. */
function rejectionOf(thrown: unknown, steps: Steps): Rejection {
  const isRejection = thrown instanceof Rejection;
  if (!isRejection && !(thrown instanceof OutOfSteps)) throw thrown;
  const whySpent = steps.whySpent();
  const target = isRejection ? thrown.target : {};
  return whySpent === undefined && isRejection
    ? thrown
    : new Rejection('limit.steps', whySpent ?? '', target);
}

function commonOf(rule: Rule, event: TriggerEvent, context: RenderContext) {
  const { now, askedAt = now, traceparent, replyTo } = context;
  const trace = traceparent ?? event.traceparent;
  const episode = episodeOf(event);
  const endsAt = endOf(event);
  return {
    runId: runIdFor(rule.name, event.source, event.id),
    rule: rule.name,
    trigger: {
      source: event.source,
      type: event.type,
      id: event.id,
      subject: event.subject,
      actor: actorOf(event),
      episode,
      endsAt,
    },
    notify: [...rule.notify],
    replyTo: replyTo && seenBy(replyTo, rule),
    traceparent: trace,
    requestedAt: askedAt.toISOString(),
  };
}

/** The default is not said: during a deployment the previous version reads it too, and knows no other. */
function seenBy(replyTo: ReplyTo, { outputs }: Rule): ReplyTo {
  return outputs === 'caller' ? replyTo : { ...replyTo, outputs };
}

function renderRun(
  action: RunAction,
  event: TriggerEvent,
  { now, askedAt = now }: RenderContext,
  steps: Steps,
) {
  return {
    ...renderBoth(action, event, steps),
    deadline: new Date(askedAt.getTime() + action.deadlineMs).toISOString(),
  };
}

/** What runs where, and how it is executed. */
function renderBoth(action: Execution, event: TriggerEvent, steps: Steps) {
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
function renderLater(action: Execution, event: TriggerEvent, steps: Steps) {
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

function renderCancel(action: CancelAction, event: TriggerEvent, steps: Steps) {
  return {
    targetRule: action.targetRule,
    ...(action.key && { key: renderKey('cancel.key', action.key, event, steps) }),
  };
}

function renderKey(field: string, key: Expression, event: TriggerEvent, steps: Steps): string {
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

function renderSchedule(
  action: ScheduleAction,
  event: TriggerEvent,
  { now, askedAt = now }: RenderContext,
  steps: Steps,
) {
  const target = renderLater(action, event, steps);
  if ('recurrence' in action.timing) {
    return { ...target, recurrence: renderField('recurrence', action.timing.recurrence, event, steps) };
  }
  const text = renderField('at', action.timing.at, event, steps);
  // `30m` is so long after it was asked for, and past where it took longer to get here.
  const at = toInstant(text, askedAt);
  const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
  if (at === undefined) {
    throw new Rejection('schedule.invalid', `\`at\`: expected ${AT_EXPECTED}, came ${JSON.stringify(shown)}`);
  }
  const problem = whyNotAt(at, now);
  if (problem !== undefined) throw new Rejection('schedule.invalid', `\`at\`: ${problem}`);
  return { ...target, at };
}
