/**
 * What every door does with trigger events, once they are known to be true: match them against the rules, render
 * what fires, put it on the runs queue, and leave on record what did not fire and why.
 */
import { answerChat } from '../chat/answer-chat.ts';
import type { ChatPort } from '../chat/port.ts';
import { recordOf } from '../events/event-record.ts';
import type { TriggerEvent } from '../events/trigger-event.ts';
import type { Log } from '../logging.ts';
import type { RecordsQueue } from '../queues/records-queue.ts';
import { fitsInMessage, type RunsQueue } from '../queues/runs-queue.ts';
import { settleAll } from '../queues/send-messages.ts';
import { matchRules } from '../rules/match.ts';
import { renderRule } from '../rules/render.ts';
import type { RuleSet } from '../rules/rule.ts';
import type { RunRequest } from '../runs/run-request.ts';
import type { DoorOutcome, ReplyTo } from '../sources/source.ts';

export interface DecideContext {
  ruleSet: RuleSet;
  runsQueue: RunsQueue;
  recordsQueue: RecordsQueue;
  /** What `status` and `cancel` ask about runs. */
  chat: ChatPort;
  log: Log;
  now: () => Date;
}

export interface Origin {
  replyTo?: ReplyTo | undefined;
  /** W3C Trace Context, of the request that brought the events. */
  traceparent?: string | undefined;
}

/**
 * Resolves when everything that the events ask for, and what was decided about them, is durable on its queue. When
 * one of the two could not be sent the other may have been: sent again, the event asks for the same runs.
 */
export async function decide(
  events: readonly TriggerEvent[],
  origin: Origin,
  context: DecideContext,
): Promise<DoorOutcome[]> {
  const decisions = await Promise.all(events.map((event) => decideOne(event, origin, context)));
  const records = decisions.map(({ outcome }) => recordOf(outcome, context.now()));
  const requests = decisions.flatMap((decision) => decision.requests);
  await settleAll([context.runsQueue.send(requests), context.recordsQueue.send(records)]);
  for (const { outcome } of decisions) record(outcome, context.log);
  return decisions.map(({ outcome }) => outcome);
}

interface Decision {
  outcome: DoorOutcome;
  requests: RunRequest[];
}

async function decideOne(event: TriggerEvent, origin: Origin, context: DecideContext): Promise<Decision> {
  const { ruleSet, now } = context;
  if (event.kind === 'chat') {
    const answer = await answerChat(event, { ruleSet, port: context.chat, now: now(), ...origin });
    if (answer.kind === 'answered') {
      const { requests, matched, unmatched, text } = answer;
      return { requests: requests.map(fitted), outcome: { event, matched, unmatched, text } };
    }
  }
  const matches = matchRules(ruleSet, event);
  const requests = matches.flatMap((match) =>
    match.fires ? [fitted(renderRule(match.rule, event, { now: now(), ...origin }))] : [],
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

/** The longest id or subject of a trigger event that is repeated whole. */
const MAX_SHOWN = 512;

/**
 * A run that no message can hold is rejected like any other that must not run: were it thrown, the other events of
 * the same request would be lost with it.
 */
function fitted(request: RunRequest): RunRequest {
  if (fitsInMessage(request)) return request;
  const { version, runId, rule, trigger, notify, requestedAt } = request;
  const { source, type, id, subject } = trigger;
  return {
    version,
    runId,
    rule,
    trigger: {
      source,
      type: shown(type),
      id: shown(id),
      ...(subject !== undefined && { subject: shown(subject) }),
    },
    notify,
    requestedAt,
    action: 'reject',
    reason: {
      code: 'request.tooLarge',
      message:
        'what the rule asks for does not fit in a message of the runs queue (256 KiB); the event has an id, a subject or an address that is far too long, or the rule too many instances or parameters',
    },
  };
}

function shown(text: string): string {
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN).toWellFormed()}…`;
}

function record({ event, matched, unmatched }: DoorOutcome, log: Log): void {
  log.info('event.decided', {
    source: event.source,
    eventId: shown(event.id),
    type: shown(event.type),
    subject: event.subject && shown(event.subject),
    matched,
    unmatched,
  });
}
