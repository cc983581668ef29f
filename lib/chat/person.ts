/**
 * One person in one chat, at one time: everything that a verb can reach. It excludes the runs, events and rules that the
 * person may not use, so that verbs need no permission checks. Verbs start and cancel runs only through it.
 */
import { actorOf, describeActor } from '../model/actor.ts';
import type { DoorOutcome, EventRecord } from '../model/decision.ts';
import type { ReplyTo } from '../model/reply-to.ts';
import { neverSentTo, resumeRequest, whyNotResumable } from '../model/resume.ts';
import { runIdFor } from '../model/run-id.ts';
import type { RunRequest } from '../model/run-request.ts';
import { type ChatEvent, matchNamed } from '../rules/match.ts';
import { whyMayNotJudge, whyNotWaiting } from '../rules/may-judge.ts';
import { renderRule } from '../rules/render.ts';
import type { Rule } from '../rules/rule.ts';
import { stepsOfEvent } from '../rules/steps.ts';
import type { ChatPort, ChatRun } from './port.ts';

export interface Person {
  readonly now: Date;
  /** Those that the person may use where they type, and no others. */
  readonly rules: readonly Rule[];
  /** undefined if the run does not exist, and if the person may not see it. */
  run(runId: string): Promise<ChatRun | undefined>;
  /** Newest first. */
  newestRuns(limit: number): Promise<readonly ChatRun[]>;
  /** Events that these rules fired on, or could have fired on, newest first, without other rules. */
  newestEvents(limit: number): Promise<readonly VisibleEvent[]>;
  /** Why sending is forbidden now; undefined if nothing is frozen. */
  frozenBecause(): Promise<string | undefined>;
  /** Evaluates the typed text with one of `rules`. If the rule does not fire, this is recorded. */
  attempt(rule: Rule): Attempt;
  /** @param run a result of `run` or `newestRuns` @param instances empty: all of it */
  cancel(run: ChatRun, instances: readonly string[]): void;
  /** Goes on with the rest of a rollout that ended in the middle. @param run a result of `run` or `newestRuns` */
  resume(run: ChatRun): Promise<Resumed>;
  /** What the person may say about the approval of a run, whether or not they may use its rule. */
  judging(runId: string): Promise<Judging>;
}

export type Resumed =
  | { kind: 'refused'; because: string }
  /** `runId` of the new run, on these instances. */
  | { kind: 'asked'; runId: string; instances: readonly string[] };

export type Judging =
  /** There is no such run, or it is not theirs to approve. */
  | { kind: 'none' }
  /** They asked for it. */
  | { kind: 'own' }
  | { kind: 'notWaiting'; rule: string; because: string }
  | { kind: 'waits'; rule: string; judge(kind: 'approved' | 'denied', why?: string): void };

export type VisibleEvent = Pick<
  EventRecord,
  'source' | 'type' | 'subject' | 'receivedAt' | 'actor' | 'matched'
>;

export type Attempt =
  | { fires: false; because: string }
  /** @param at ISO 8601, for a scheduled run */
  | { fires: true; start(at?: string): { runId: string; rejected?: string } };

/** The effects of a verb. `requests` must be durable on the runs queue before the answer is sent. */
export interface Asked extends Pick<DoorOutcome, 'matched' | 'unmatched'> {
  requests: readonly RunRequest[];
}

export interface PersonContext {
  event: ChatEvent;
  /** Those that the person may use where they type. */
  rules: readonly Rule[];
  /** Of a tenant whose people may do nothing here. Default: no. */
  isOutside?: boolean;
  port: ChatPort;
  now: Date;
  replyTo?: ReplyTo | undefined;
  traceparent?: string | undefined;
}

/** How many events are searched for those that concern the person. */
const EVENTS_READ = 100;

/** @returns the person for a verb, and for the caller the effects of the verb when it is done */
export function bindPerson({
  event,
  rules,
  isOutside = false,
  port,
  now,
  replyTo,
  traceparent,
}: PersonContext): {
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
        .map(({ source, type, subject, receivedAt, actor, matched: of }) => ({
          source,
          type,
          subject,
          receivedAt,
          actor,
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
    async resume(shownRun) {
      if (!shown.has(shownRun)) throw notTheirs(`the run ${shownRun.runId}`);
      const { rule: name, runId } = shownRun;
      const known = await port.toResume(runId);
      if (known === undefined) return { kind: 'refused', because: 'it is not stored any more' };
      const { run, resumed } = known;
      const refusal = whyNotResumable(run, resumed);
      if (refusal !== undefined) return { kind: 'refused', because: refusal.because };
      const request = resumeRequest(run, {
        by: actorOf(event) ?? { chat: event.source },
        now,
        replyTo:
          replyTo &&
          seenBy(
            replyTo,
            rules.find((rule) => rule.name === name),
          ),
        traceparent,
      });
      requests.push(request);
      matched.push({ rule: name, runId: request.runId });
      return { kind: 'asked', runId: request.runId, instances: neverSentTo(run) };
    },
    async judging(runId) {
      const actor = actorOf(event);
      const run = actor === undefined || isOutside ? undefined : await port.toJudge(runId);
      if (actor === undefined || run?.approval === undefined) return { kind: 'none' };
      const { user, channel } = event.data;
      const refusal = whyMayNotJudge(run, { actor, person: { chat: event.source, user, channel } });
      if (refusal !== undefined) return { kind: refusal.code === 'approval.own' ? 'own' : 'none' };
      const { rule } = run;
      const because = whyNotWaiting(run, now.toISOString());
      if (because !== undefined) return { kind: 'notWaiting', rule, because };
      return {
        kind: 'waits',
        rule,
        judge(kind, why) {
          requests.push(judgementOf({ runId, rule, kind, why }, { event, now, traceparent }));
        },
      };
    },
  };
  return { person, asked: { requests, matched, unmatched } };
}

/** Nobody sees more of its outputs than of the run before. */
function seenBy(replyTo: ReplyTo, rule: Rule | undefined): ReplyTo {
  const { outputs = 'none' } = rule ?? {};
  return outputs === 'caller' ? replyTo : { ...replyTo, outputs };
}

/** A bug in a verb: it used a run or a rule that did not come from the person. */
function notTheirs(what: string): TypeError {
  return new TypeError(`${what} was not given to this person: a verb uses what it is shown`);
}

/** A repeated delivery gives the same request. */
function judgementOf(
  {
    runId,
    rule,
    kind,
    why,
  }: { runId: string; rule: string; kind: 'approved' | 'denied'; why?: string | undefined },
  { event, now, traceparent }: Pick<PersonContext, 'event' | 'now' | 'traceparent'>,
): RunRequest {
  const { user, channel } = event.data;
  const named = ({ id, name }: NonNullable<typeof channel>) => ({ id, name });
  return {
    version: 1,
    action: 'judge',
    runId: runIdFor('judge', event.source, event.id),
    rule,
    trigger: {
      source: event.source,
      type: event.type,
      id: event.id,
      ...(event.subject !== undefined && { subject: event.subject }),
      actor: actorOf(event),
    },
    notify: [],
    ...(traceparent !== undefined && { traceparent }),
    requestedAt: now.toISOString(),
    targetRunId: runId,
    kind,
    ...(why !== undefined && { why }),
    person: { chat: event.source, user: named(user), ...(channel && { channel: named(channel) }) },
  };
}

/** Not `matched`, because it is no rule's action. A repeated delivery gives the same request. */
function cancelOf(
  run: ChatRun,
  instances: readonly string[],
  { event, now, traceparent }: Pick<PersonContext, 'event' | 'now' | 'traceparent'>,
): RunRequest {
  const actor = actorOf(event);
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
      actor,
    },
    notify: [],
    ...(traceparent !== undefined && { traceparent }),
    requestedAt: now.toISOString(),
    targetRunId: run.runId,
    ...(instances.length > 0 && { instances: [...instances] }),
    by: describeActor(actor ?? { chat: event.source }),
  };
}
