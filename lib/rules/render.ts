/**
 * Makes the run request of a rule that matched: templates filled in, every value checked against its pattern. What
 * must not run becomes a rejection with its reason, which is recorded and told like any other end of a run.
 */
import { createHash } from 'node:crypto';
import type { TriggerEvent } from '../events/trigger-event.ts';
import { runIdFor } from '../runs/run-id.ts';
import type { RenderedGuards, RunRequest } from '../runs/run-request.ts';
import type { ReplyTo } from '../sources/source.ts';
import type { Expression } from './expression.ts';
import { AT_EXPECTED, toInstant, whyNotAt } from './instant.ts';
import { Rejection, renderField } from './rejection.ts';
import { renderTarget, renderWorkingDirectory } from './render-target.ts';
import type { CancelAction, Execution, Rule, RunAction, ScheduleAction, Target } from './rule.ts';
import { toText } from './template.ts';

export interface RenderContext {
  now: Date;
  /** The request's own, before the event's. */
  traceparent?: string | undefined;
  replyTo?: ReplyTo | undefined;
  /** ISO 8601 UTC: what a `run` rule asks for is to run then. Default: at once. */
  at?: string | undefined;
}

/**
 * @returns what the rule asks for, or a rejection with the code `template.failed`, `parameters.unsafe`,
 * `instances.invalid`, `instances.not-in-fleet`, `command.invalid`, `region.invalid`, `username.invalid`, `workingDirectory.invalid` or
 * `schedule.invalid`. Never throws.
 */
export function renderRule(rule: Rule, event: TriggerEvent, context: RenderContext): RunRequest {
  const { action } = rule;
  const common = commonOf(rule, event, context);
  try {
    switch (action.kind) {
      case 'run':
        return context.at === undefined
          ? { ...common, action: 'run', ...renderRun(action, event, context) }
          : { ...common, action: 'schedule', at: context.at, ...renderLater(action, event) };
      case 'cancel':
        return { ...common, action: 'cancel', ...renderCancel(action, event) };
      case 'schedule':
        return { ...common, action: 'schedule', ...renderSchedule(action, event, context) };
    }
  } catch (thrown) {
    if (!(thrown instanceof Rejection)) throw thrown;
    const { code, message, target } = thrown;
    const provider = action.kind === 'cancel' ? undefined : action.provider;
    return {
      ...common,
      action: 'reject',
      ...(provider !== undefined && { provider }),
      ...target,
      reason: { code, message },
    };
  }
}

function commonOf(rule: Rule, event: TriggerEvent, { now, traceparent, replyTo }: RenderContext) {
  const trace = traceparent ?? event.traceparent;
  return {
    version: 1 as const,
    runId: runIdFor(rule.name, event.source, event.id),
    rule: rule.name,
    trigger: {
      source: event.source,
      type: event.type,
      id: event.id,
      ...(event.subject !== undefined && { subject: event.subject }),
    },
    notify: [...rule.notify],
    ...(replyTo !== undefined && { replyTo }),
    ...(trace !== undefined && { traceparent: trace }),
    requestedAt: now.toISOString(),
  };
}

function renderRun(action: RunAction, event: TriggerEvent, { now }: RenderContext) {
  return {
    ...renderTarget(action, event),
    ...renderExecution(action, event),
    deadline: new Date(now.getTime() + action.deadlineMs).toISOString(),
  };
}

function renderExecution(action: Execution, event: TriggerEvent) {
  const workingDirectory = action.workingDirectory && renderWorkingDirectory(action.workingDirectory, event);
  return {
    ...(workingDirectory !== undefined && { workingDirectory }),
    ...(action.timeoutSeconds !== undefined && { timeoutSeconds: action.timeoutSeconds }),
    options: action.options,
    guards: renderGuards(action, event),
    onUnavailable: action.onUnavailable,
  };
}

/** What is sent at its time is rendered now: the event is gone by then. */
function renderLater(action: Target & Execution, event: TriggerEvent) {
  return {
    ...renderTarget(action, event),
    execution: { ...renderExecution(action, event), deadlineMs: action.deadlineMs },
  };
}

function renderGuards({ guards }: Execution, event: TriggerEvent): RenderedGuards {
  const { dedupe, ...limits } = guards;
  if (dedupe === undefined) return limits;
  return {
    ...limits,
    dedupe: { key: renderKey('guards.dedupe.key', dedupe.key, event), windowMs: dedupe.windowMs },
  };
}

function renderCancel(action: CancelAction, event: TriggerEvent) {
  return {
    targetRule: action.targetRule,
    ...(action.key && { key: renderKey('cancel.key', action.key, event) }),
  };
}

function renderKey(field: string, key: Expression, event: TriggerEvent): string {
  const evaluation = key.evaluate(event);
  const text = evaluation.ok ? toText(evaluation.value) : undefined;
  if (text !== undefined) return text.length > MAX_KEY ? hashOf(text) : text;
  const because = evaluation.ok ? `\`${key.text}\` is no text` : evaluation.because;
  throw new Rejection('template.failed', `\`${field}\`: ${because}`);
}

/** A table's key has little room, and what it stands for may be as long as a message. */
const MAX_KEY = 200;

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('hex')}`;
}

function renderSchedule(action: ScheduleAction, event: TriggerEvent, { now }: RenderContext) {
  const target = renderLater(action, event);
  if ('recurrence' in action.timing) {
    return { ...target, recurrence: renderField('recurrence', action.timing.recurrence, event) };
  }
  const text = renderField('at', action.timing.at, event);
  const at = toInstant(text, now);
  const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
  if (at === undefined) {
    throw new Rejection('schedule.invalid', `\`at\`: expected ${AT_EXPECTED}, came ${JSON.stringify(shown)}`);
  }
  const problem = whyNotAt(at, now);
  if (problem !== undefined) throw new Rejection('schedule.invalid', `\`at\`: ${problem}`);
  return { ...target, at };
}
