/**
 * Finds rules that can see their own events: they are on `fleet-reflex`, notify the queue `events`, and their `when`, or
 * that of the rules between, lets through what they publish. Such a chain is stopped when it runs (`guard.loop`); here
 * the author hears of it before.
 */
import { END_STATUSES } from '../model/run.ts';
import { type KnownFields, mayHold } from './may-hold.ts';
import type { Rule } from './rule.ts';

/** The queue that the queue door reads: what is sent there comes back as events of the source `fleet-reflex`. */
const EVENTS_QUEUE = 'events';
const SOURCE = 'fleet-reflex';

/** A rejection has its own event type. */
const ENDS = END_STATUSES.filter((status) => status !== 'rejected');

export interface Feedback {
  /** Of the rule in the list. */
  index: number;
  /** The rules by which it comes back, itself first and last. */
  names: readonly string[];
}

/** @returns each rule that can see its own events, with the shortest way */
export function findFeedback(rules: readonly Rule[]): Feedback[] {
  const feeders = rules.flatMap((rule, index) => (isFeeder(rule) ? [{ rule, index }] : []));
  const seenBy = new Map(
    feeders.map(({ rule }) => [
      rule,
      feeders.filter((other) => maySee(other.rule, rule)).map((other) => other.rule),
    ]),
  );
  return feeders.flatMap(({ rule, index }) => {
    const way = wayBack(rule, seenBy);
    return way === undefined ? [] : [{ index, names: way.map(({ name }) => name) }];
  });
}

/** One that is no feeder ends the chain. */
function isFeeder({ on, notify, when, isByName }: Rule): boolean {
  const isOnOurs = on.includes(SOURCE) && !(isByName && when === undefined);
  return isOnOurs && notify.some((ref) => 'sqs' in ref && ref.sqs === EVENTS_QUEUE);
}

function maySee({ when }: Rule, publisher: Rule): boolean {
  return publishedBy(publisher).some((known) => mayHold(when, known));
}

/** The known fields of each kind of event that a rule publishes. */
function publishedBy({ name, action }: Rule): KnownFields[] {
  const base = { 'event.source': SOURCE, 'event.kind': 'completion', 'event.data.rule': name };
  const rejected = { 'event.type': 'completion.run.rejected', 'event.data.status': 'rejected' };
  // A cancel has no run of its own, but one whose key fails is rejected.
  if (action.kind === 'cancel') return action.key === undefined ? [] : [{ ...base, ...rejected }];
  const { provider, command } = action.target;
  const own = {
    ...base,
    'event.data.provider': provider,
    ...(command.literal !== undefined && { 'event.data.command': command.literal }),
  };
  return [
    // Of what is rejected it is not always known what it would have run.
    { ...base, ...rejected },
    { ...own, 'event.type': 'completion.run.started' },
    { ...own, 'event.type': 'completion.task.completed' },
    ...ENDS.map((status) => ({
      ...own,
      'event.type': 'completion.run.completed',
      'event.data.status': status,
    })),
  ];
}

function wayBack(rule: Rule, seenBy: ReadonlyMap<Rule, readonly Rule[]>): Rule[] | undefined {
  const ways: Rule[][] = [[rule]];
  const seen = new Set<Rule>();
  for (const way of ways) {
    for (const next of seenBy.get(way.at(-1) ?? rule) ?? []) {
      if (next === rule) return [...way, next];
      if (seen.has(next)) continue;
      seen.add(next);
      ways.push([...way, next]);
    }
  }
  return undefined;
}
