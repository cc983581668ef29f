/**
 * Decides about authenticated trigger events, for HTTP and queue alike: matches them against the rules, renders the rules
 * that fire, puts the runs on the queue, and records which rules did not fire and why.
 */
import { answerChat } from '../chat/answer-chat.ts';
import type { ChatPort } from '../chat/port.ts';
import type { Log } from '../logging.ts';
import type { Metrics } from '../metrics.ts';
import { type DoorOutcome, MAX_UNMATCHED, type Note } from '../model/decision.ts';
import { ancestorSearch } from '../model/find-ancestors.ts';
import { type KeepEvents, keptEvent } from '../model/kept-event.ts';
import { rejectionOf } from '../model/reject-request.ts';
import type { ReplyTo } from '../model/reply-to.ts';
import type { RunRequest } from '../model/run-request.ts';
import type { TriggerEvent } from '../model/trigger-event.ts';
import type { RecordsQueue } from '../queues/records-queue.ts';
import { fitsInMessage, type RunsQueue } from '../queues/runs-queue.ts';
import { settleAll } from '../queues/send-messages.ts';
import { type AskContext, askRules } from '../rules/ask-rules.ts';
import type { Rule, RuleSet } from '../rules/rule.ts';
import { stepsOfRequest } from '../rules/steps.ts';
import type { Contents } from '../store/contents.ts';
import { whyTooOld } from './command-age.ts';
import { limitRequest } from './limit-request.ts';
import { recordsOf } from './request-records.ts';
import { checkReuse } from './reused-id.ts';
import { whyStale } from './stale-event.ts';

export interface DecideContext {
  ruleSet: RuleSet;
  runsQueue: RunsQueue;
  recordsQueue: RecordsQueue;
  /** The runs that `status` and `cancel` read. */
  chat: ChatPort;
  /** The contents of events whose ids their senders chose. */
  contents: Contents;
  /** How much of each event its record keeps. Default: nothing. */
  keep?: KeepEvents;
  log: Log;
  /** Default: none. */
  metrics?: Metrics;
  now: () => Date;
}

export interface Origin {
  /** When the request was received, or the message first sent. */
  askedAt: Date;
  /** The events' times are signed. */
  isTimeProved?: boolean | undefined;
  /** The signature shows that the request was sent just now. */
  isFresh?: boolean | undefined;
  /** If the sender chooses the ids: the content of each event. */
  contents?: { hashes: readonly string[]; isSigned: boolean } | undefined;
  /** Notes of the sender about the whole request. */
  notes?: readonly Note[] | undefined;
  replyTo?: ReplyTo | undefined;
  /** How many rules that do not fire are explained; at least as many as the record of an event lists. */
  explained?: number | undefined;
  /** W3C Trace Context, of the request that brought the events. */
  traceparent?: string | undefined;
}

/**
 * Resolves when the runs of the events, and the records of the decisions, are durable on their queues. If one of the two
 * could not be sent, the other may have been: a repeated delivery gives the same runs.
 * @param events all events of one delivered request: its limit applies to them together
 */
export async function decide(
  events: readonly TriggerEvent[],
  origin: Origin,
  context: DecideContext,
): Promise<DoorOutcome[]> {
  const { ruleSet, runsQueue, recordsQueue, keep = 'nothing', log, now } = context;
  const ancestorsOf = ancestorSearch();
  const steps = stepsOfRequest();
  const decisions = await Promise.all(
    events.map(async (event, index) => {
      const decision = await decideOne(event, origin, { ...context, ancestorsOf, steps: steps.ofEvent() });
      return await underItsId(decision, index, origin, context);
    }),
  );
  const asked = decisions.flatMap(({ requests }) => requests.map(fitted));
  const sentFor = limitRequest(asked, ruleSet.limits.runsPerRequest);
  const outcomes = decisions.map(({ requests: _, matched, notes = [], ...decision }) => ({
    ...decision,
    notes: [...notes, ...(origin.notes ?? [])],
    matched: matched.map((it) => matchedAs(it, sentFor.get(it.runId))),
  }));
  const unique = [...new Set(asked.map((request) => sentFor.get(request.runId) ?? request))];
  const started = new Set(unique.filter(isStart).map(({ runId }) => runId));
  const { starting, others } = recordsOf(outcomes, started, now(), (outcome) =>
    hasSecret(outcome, ruleSet) ? undefined : keptEvent(outcome.event, keep),
  );
  await settleAll([runsQueue.send(unique, starting), recordsQueue.send(others)]);
  for (const [source, of] of Map.groupBy(events, (event) => event.source))
    context.metrics?.add('EventsAccepted', of.length, { source });
  for (const outcome of outcomes.slice(0, MAX_LOGGED)) record(outcome, log);
  if (outcomes.length > MAX_LOGGED || unique.length < asked.length) {
    log.info('request.decided', { events: events.length, asked: asked.length, started: started.size });
  }
  return outcomes;
}

/** Whether a rule that fires uses the event's values as secrets: then the event is not kept. */
function hasSecret({ matched }: DoorOutcome, { rules }: RuleSet): boolean {
  return matched.some(({ rule }) => {
    const found = rules.find(({ name }) => name === rule);
    return found !== undefined && usesSecrets(found);
  });
}

/** The rule, or one that may follow it. */
function usesSecrets({ action, followUps = [] }: Pick<Rule, 'action' | 'followUps'>): boolean {
  const parameters = action.kind === 'cancel' ? [] : action.target.parameters;
  return (
    parameters.some(({ isSecret, template }) => isSecret && template.literal === undefined) ||
    followUps.some(({ rule }) => usesSecrets(rule))
  );
}

/** The answer lists at most so many events; the records have all of them. */
const MAX_LOGGED = 100;

function isStart({ action }: RunRequest): boolean {
  return action === 'run' || action === 'schedule';
}

interface Decision extends DoorOutcome {
  requests: readonly RunRequest[];
}

async function decideOne(
  event: TriggerEvent,
  origin: Origin,
  context: DecideContext & Pick<AskContext, 'ancestorsOf' | 'steps'>,
): Promise<Decision> {
  const { ruleSet, ancestorsOf, steps, now } = context;
  const stale = whyStale(event, origin.askedAt, origin.isFresh);
  if (stale !== undefined) return { event, requests: [], matched: [], unmatched: [], notes: [stale] };
  if (event.kind === 'chat') {
    const answer = await answerChat(event, { ruleSet, port: context.chat, now: now(), ...origin });
    if (answer.kind === 'refused') {
      const { text, refused } = answer;
      return { event, requests: [], matched: [], unmatched: refused, text };
    }
    if (answer.kind === 'answered') {
      const { requests, matched, unmatched, text } = answer;
      return inTime({ event, requests, matched, unmatched, text }, origin, now());
    }
  }
  const { requests, others, whyNot } = askRules(ruleSet, event, {
    now: now(),
    ancestorsOf,
    steps,
    ...origin,
  });
  // People are told only of the rules that they may use.
  const told = whyNot(event.kind === 'chat' ? others : Math.max(MAX_UNMATCHED, origin.explained ?? 0));
  const decision = {
    event,
    requests,
    matched: requests.map(({ rule, runId }) => ({ rule, runId })),
    unmatched: told.map(({ rule: { name }, clause: _, ...why }) => ({ ...why, rule: name })),
    unmatchedOmitted: others - told.length,
  };
  return event.kind === 'chat' ? inTime(decision, origin, now()) : decision;
}

/** If its id was used for another event, the run gets a separate id, and a note says so. */
async function underItsId(
  decision: Decision,
  index: number,
  { contents }: Origin,
  context: DecideContext,
): Promise<Decision> {
  const hash = contents?.hashes[index];
  if (contents === undefined || hash === undefined || decision.requests.length === 0) return decision;
  const { event, requests, notes } = await checkReuse(
    decision.event,
    decision.requests,
    { hash, isSigned: contents.isSigned },
    context,
  );
  if (notes === undefined) return decision;
  const matched = requests.map(({ rule, runId, ...request }) =>
    request.action === 'reject' ? { rule, runId, rejected: request.reason.message } : { rule, runId },
  );
  return { ...decision, event, requests, matched, notes };
}

/** A person's request, or its rejection if it is too old. */
function inTime(decision: Decision, { askedAt, isTimeProved }: Origin, now: Date): Decision {
  const { event, requests, text } = decision;
  const saidAt = isTimeProved && Date.parse(event.time) < askedAt.getTime() ? new Date(event.time) : askedAt;
  const tooOld = whyTooOld(saidAt, now);
  if (tooOld === undefined) {
    return {
      ...decision,
      requests: requests.map((request) => ({ ...request, saidAt: saidAt.toISOString() })),
    };
  }
  return {
    ...decision,
    requests: requests.map((request) => rejectionOf(request, tooOld)),
    ...(text !== undefined && { text: tooOld.message }),
  };
}

type Matched = DoorOutcome['matched'][number];

/** @param sent the request on the queue, which may be a rejection with a separate id */
function matchedAs(matched: Matched, sent: RunRequest | undefined): Matched {
  if (sent === undefined) return matched;
  const { rule, runId } = sent;
  return sent.action === 'reject' ? { rule, runId, rejected: sent.reason.message } : { rule, runId };
}

/** The longest id or subject of a trigger event that is repeated whole. */
const MAX_SHOWN = 512;

/**
 * A run that does not fit into a message is rejected, not thrown: an exception would lose the other events of the same
 * request.
 */
function fitted(runRequest: RunRequest): RunRequest {
  if (fitsInMessage(runRequest)) return runRequest;
  const { source, type, id, subject, actor } = runRequest.trigger;
  // Neither an address nor a list that may be what is too long.
  const { runId, rule, chain, notify, requestedAt } = runRequest;
  return {
    version: 2,
    runId,
    rule,
    trigger: { source, type: shown(type), id: shown(id), subject: subject && shown(subject), actor },
    chain,
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

function record({ event, matched, unmatched, unmatchedOmitted, notes = [] }: DoorOutcome, log: Log): void {
  log.info('event.decided', {
    source: event.source,
    eventId: shown(event.id),
    deliveryId: event.deliveryid && shown(event.deliveryid),
    type: shown(event.type),
    subject: event.subject && shown(event.subject),
    matched,
    unmatched,
    ...(unmatchedOmitted !== undefined && unmatchedOmitted > 0 && { unmatchedOmitted }),
    ...(notes.length > 0 && { notes: notes.map(({ code }) => code) }),
  });
}
