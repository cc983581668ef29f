/**
 * Renders what may run after a run, with its event and while that is there: a later change of the rules does not change it.
 * What must not run becomes a rejection, which is told when it would have run.
 */
import type { FollowUp } from '../model/run-request.ts';
import type { TriggerEvent } from '../model/trigger-event.ts';
import { parseDuration } from './duration.ts';
import { rejectionOf } from './rejection.ts';
import { renderBoth } from './render-execution.ts';
import type { FollowUpRule } from './rule.ts';
import type { Steps } from './steps.ts';

export function renderFollowUps(
  rules: readonly FollowUpRule[] | undefined,
  event: TriggerEvent,
  steps: Steps,
): FollowUp[] | undefined {
  return rules?.map(({ after, instances, maxDepth, rule }) => {
    const { name, notify, outputs, followUps } = rule;
    return {
      rule: name,
      after: [...after],
      instances,
      notify: [...notify],
      outputs: outputs === 'caller' ? undefined : outputs,
      maxDepth,
      asks: render(rule, event, steps),
      followUps: renderFollowUps(followUps, event, steps),
    };
  });
}

function render({ action }: FollowUpRule['rule'], event: TriggerEvent, steps: Steps): FollowUp['asks'] {
  try {
    const delay = action.kind === 'schedule' && 'at' in action.timing ? action.timing.at.literal : undefined;
    return {
      action: 'run',
      ...renderBoth(action, event, steps),
      deadlineMs: action.deadlineMs,
      delayMs: delay === undefined ? undefined : parseDuration(delay.trim()),
    };
  } catch (thrown) {
    const { code, message, target } = rejectionOf(thrown, steps);
    return {
      action: 'reject',
      target: { provider: action.target.provider, ...target },
      reason: { code, message },
    };
  }
}
