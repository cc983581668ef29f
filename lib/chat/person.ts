/**
 * One person, where they type, now: all that a verb can reach. Runs, events and rules that the person may not use are
 * not there, so that no verb has to ask who may; what a verb starts or cancels goes through here and nowhere else.
 */
import type { DoorOutcome, EventRecord } from '../model/decision.ts';
import type { ReplyTo } from '../model/reply-to.ts';
import { runIdFor } from '../model/run-id.ts';
import type { RunRequest } from '../model/run-request.ts';
import { nameFor } from '../rules/allow.ts';
import { type ChatEvent, matchNamed } from '../rules/match.ts';
import { renderRule } from '../rules/render.ts';
import type { Rule } from '../rules/rule.ts';
import { stepsOfEvent } from '../rules/steps.ts';
import type { ChatPort, ChatRun } from './port.ts';

export interface Person {
  readonly now: Date;
  /** Those that the person may use where they type, and no others. */
  readonly rules: readonly Rule[];
  /** undefined for a run that does not exist and for one that the person may not see: they look the same. */
  run(runId: string): Promise<ChatRun | undefined>;
  /** Newest first. */
  newestRuns(limit: number): Promise<readonly ChatRun[]>;
  /** Events that these rules fired on, or might have, newest first; of other rules nothing is told. */
  newestEvents(limit: number): Promise<readonly VisibleEvent[]>;
  /** Why nothing is sent at this moment; undefined when nothing is frozen. */
  frozenBecause(): Promise<string | undefined>;
  /** What was typed, given to one of `rules` by its name. That it does not fire is put on record. */
  attempt(rule: Rule): Attempt;
  /** @param run one that `run` or `newestRuns` gave @param instances empty: all of it */
  cancel(run: ChatRun, instances: readonly string[]): void;
}

export type VisibleEvent = Pick<EventRecord, 'source' | 'type' | 'subject' | 'receivedAt' | 'matched'>;

export type Attempt =
  | { fires: false; because: string }
  /** @param at ISO 8601, for what is to run later */
  | { fires: true; start(at?: string): { runId: string; rejected?: string } };

/** What a verb has asked for. `requests` are to be durable on the runs queue before anybody is answered. */
export interface Asked extends Pick<DoorOutcome, 'matched' | 'unmatched'> {
  requests: readonly RunRequest[];
}

export interface PersonContext {
  event: ChatEvent;
  /** Those that the person may use where they type. */
  rules: readonly Rule[];
  port: ChatPort;
  now: Date;
  replyTo?: ReplyTo | undefined;
  traceparent?: string | undefined;
}

/** Of so many events the ones that concern the person are looked for. */
const EVENTS_READ = 100;

/** @returns the person for a verb, and for the caller what the verb will have asked for when it is done */
export function bindPerson({ event, rules, port, now, replyTo, traceparent }: PersonContext): {
  person: Person;
  asked: Asked;
} {
  const names = new Set(rules.map(({ name }) => name));
  const isVisible = ({ rule }: { rule: string }): boolean => names.has(rule);
  const shown = new WeakSet<ChatRun>();
  const show = (run: ChatRun): ChatRun => {
    shown.add(run);
    return run;
  };
  const steps = stepsOfEvent();
  const requests: RunRequest[] = [];
  const matched: DoorOutcome['matched'][number][] = [];
  const unmatched: DoorOutcome['unmatched'][number][] = [];

  const start = (rule: Rule, at?: string) => {
    const request = renderRule(rule, event, { now, replyTo, traceparent, steps, ...(at && { at }) });
    const { runId } = request;
    const started = request.action === 'reject' ? { runId, rejected: request.reason.message } : { runId };
    requests.push(request);
    matched.push({ rule: rule.name, ...started });
    return started;
  };

  const person: Person = {
    now,
    rules,
    async run(runId) {
      const run = names.size === 0 ? undefined : await port.status(runId);
      return run !== undefined && isVisible(run) ? show(run) : undefined;
    },
    async newestRuns(limit) {
      const runs = names.size === 0 ? [] : await port.recent([...names], limit);
      return runs.filter(isVisible).map(show);
    },
    async newestEvents(limit) {
      const events = names.size === 0 ? [] : await port.events(EVENTS_READ);
      return events
        .filter(({ matched: of, unmatched: others }) => [...of, ...others].some(isVisible))
        .slice(0, limit)
        .map(({ source, type, subject, receivedAt, matched: of }) => ({
          source,
          type,
          subject,
          receivedAt,
          matched: of.filter(isVisible),
        }));
    },
    frozenBecause: async () => (names.size === 0 ? undefined : await port.frozenBecause(now)),
    attempt(rule) {
      if (!rules.includes(rule)) throw notTheirs(`the rule ${rule.name}`);
      const match = matchNamed(rule, event, steps);
      if (match.fires) return { fires: true, start: (at) => start(rule, at) };
      const { because } = match;
      unmatched.push({ rule: rule.name, because });
      return { fires: false, because };
    },
    cancel(run, instances) {
      if (!shown.has(run)) throw notTheirs(`the run ${run.runId}`);
      requests.push(cancelOf(run, instances, { event, now, traceparent }));
    },
  };
  return { person, asked: { requests, matched, unmatched } };
}

/** A mistake of a verb: it made up what it should have asked the person for. */
function notTheirs(what: string): TypeError {
  return new TypeError(`${what} was not given to this person: a verb uses what it is shown`);
}

/** Not `matched`: it is no rule's action. The same delivery again asks for the same. */
function cancelOf(
  run: ChatRun,
  instances: readonly string[],
  { event, now, traceparent }: Pick<PersonContext, 'event' | 'now' | 'traceparent'>,
): RunRequest {
  return {
    version: 1,
    action: 'cancel',
    runId: runIdFor('cancel', event.source, event.id),
    rule: run.rule,
    trigger: {
      source: event.source,
      type: event.type,
      id: event.id,
      ...(event.subject !== undefined && { subject: event.subject }),
    },
    notify: [],
    ...(traceparent !== undefined && { traceparent }),
    requestedAt: now.toISOString(),
    targetRunId: run.runId,
    ...(instances.length > 0 && { instances: [...instances] }),
    by: `${event.source}/${nameFor(event.data.user)}`,
  };
}
