/**
 * What every door does with trigger events, once they are known to be true: match them against the rules, render
 * what fires, put it on the runs queue, and leave on record what did not fire and why.
 */
import type { TriggerEvent } from '../events/trigger-event.ts';
import type { Log } from '../logging.ts';
import type { RunsQueue } from '../queues/runs-queue.ts';
import { matchRules } from '../rules/match.ts';
import { renderRule } from '../rules/render.ts';
import type { RuleSet } from '../rules/rule.ts';
import type { RunRequest } from '../runs/run-request.ts';
import type { DoorOutcome, ReplyTo } from '../sources/source.ts';

export interface DecideContext {
  ruleSet: RuleSet;
  runsQueue: RunsQueue;
  log: Log;
  now: () => Date;
}

export interface Origin {
  replyTo?: ReplyTo | undefined;
  /** W3C Trace Context, of the request that brought the events. */
  traceparent?: string | undefined;
}

/** Resolves when everything that the events ask for is durable on the queue. */
export async function decide(
  events: readonly TriggerEvent[],
  origin: Origin,
  context: DecideContext,
): Promise<DoorOutcome[]> {
  const decisions = events.map((event) => decideOne(event, origin, context));
  await context.runsQueue.send(decisions.flatMap(({ requests }) => requests));
  for (const { outcome } of decisions) record(outcome, context.log);
  return decisions.map(({ outcome }) => outcome);
}

interface Decision {
  outcome: DoorOutcome;
  requests: RunRequest[];
}

function decideOne(event: TriggerEvent, origin: Origin, { ruleSet, now }: DecideContext): Decision {
  const matches = matchRules(ruleSet, event);
  const requests = matches.flatMap((match) =>
    match.fires ? [renderRule(match.rule, event, { now: now(), ...origin })] : [],
  );
  return {
    requests,
    outcome: {
      event,
      matched: requests.map((request) => ({
        rule: request.rule,
        runId: request.runId,
        ...(request.action === 'reject' && { rejected: request.reason.message }),
      })),
      unmatched: matches.flatMap((match) =>
        match.fires ? [] : [{ rule: match.rule.name, because: match.because }],
      ),
    },
  };
}

function record({ event, matched, unmatched }: DoorOutcome, log: Log): void {
  log.info('event.decided', {
    source: event.source,
    eventId: event.id,
    type: event.type,
    subject: event.subject,
    matched,
    unmatched,
  });
}
