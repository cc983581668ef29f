/**
 * Makes the run request of a rule that matched: templates filled in, every value checked against its pattern. What
 * must not run becomes a rejection with its reason, which is recorded and told like any other end of a run.
 */
import { actorOf } from '../model/actor.ts';
import { endOf, episodeOf } from '../model/episode-of.ts';
import type { ReplyTo } from '../model/reply-to.ts';
import { runIdFor } from '../model/run-id.ts';
import type { RunRequest } from '../model/run-request.ts';
import type { TriggerEvent } from '../model/trigger-event.ts';
import { AT_EXPECTED, toInstant, whyNotAt } from './instant.ts';
import { Rejection, rejectionOf, renderField } from './rejection.ts';
import { renderBoth, renderKey, renderLater } from './render-execution.ts';
import { renderFollowUps } from './render-follow-ups.ts';
import type { CancelAction, Rule, RunAction, ScheduleAction } from './rule.ts';
import { type Steps, stepsOfEvent } from './steps.ts';

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
    const request = requestOf();
    if (request.action !== 'run' && request.action !== 'schedule') return request;
    const followUps = renderFollowUps(rule.followUps, event, steps);
    return followUps === undefined ? request : { ...request, followUps };
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

  function requestOf(): RunRequest {
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
  }
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

function renderCancel(action: CancelAction, event: TriggerEvent, steps: Steps) {
  return {
    targetRule: action.targetRule,
    ...(action.key && { key: renderKey('cancel.key', action.key, event, steps) }),
  };
}

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
