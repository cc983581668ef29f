/**
 * The record of the decision about one event: which rules fired with which run, and for every other rule on its source the
 * clause that was false. It has its own queue and is kept as long as runs, so that "why did nothing happen?" can be answered
 * later.
 */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { Actor, actorOf } from './actor.ts';
import type { TriggerEvent } from './trigger-event.ts';

export const EventRecord = z.strictObject({
  version: z.literal(1),
  action: z.literal('event'),
  source: z.string(),
  eventId: z.string(),
  /** The sender's own name for the delivery, where it is not the event's id: what its log shows. */
  deliveryId: z.string().optional(),
  type: z.string(),
  subject: z.string().optional(),
  /** Whose act it was, where its source says so. */
  actor: Actor.optional(),
  /** When it happened, as its source says; ISO 8601. */
  time: z.string(),
  receivedAt: z.iso.datetime(),
  matched: z.array(z.strictObject({ rule: z.string(), runId: z.string(), rejected: z.string().optional() })),
  /** `code` where the person may not use the rule: `allow.users`, `tenant.unknown`, … */
  unmatched: z.array(z.strictObject({ rule: z.string(), because: z.string(), code: z.string().optional() })),
  /** Further notes: `event.stale`, `alerts.truncated`. */
  notes: z.array(z.strictObject({ code: z.string(), message: z.string() })).optional(),
  /** How many further rules did not fire and are not listed. */
  unmatchedOmitted: z.int().positive().optional(),
  /** What of the event is kept (lib/model/kept-event.ts): a trigger event, as its version had it. */
  event: z.unknown().optional(),
  /** If the record covers many events of one request, all of them; the fields above describe the first. */
  events: z.array(z.strictObject({ eventId: z.string(), subject: z.string().optional() })).optional(),
});
export type EventRecord = z.infer<typeof EventRecord>;

/** A key of the table has 2048 bytes, and a character up to four. */
const MAX_ID = 400;
const MAX_REASON = 500;
/** How many rules that did not fire are listed; with their reasons they easily fit into a message. */
export const MAX_UNMATCHED = 100;

export function recordOf(
  { event, matched, unmatched, unmatchedOmitted = 0, notes = [] }: DoorOutcome,
  now: Date,
): EventRecord {
  const listed = unmatched.slice(0, MAX_UNMATCHED);
  const actor = actorOf(event);
  const omitted = unmatchedOmitted + unmatched.length - listed.length;
  return {
    version: 1,
    action: 'event',
    source: event.source,
    eventId: shortId(event.id),
    ...(event.deliveryid !== undefined && { deliveryId: cut(event.deliveryid, MAX_ID) }),
    type: cut(event.type, MAX_ID),
    ...(event.subject !== undefined && { subject: cut(event.subject, MAX_ID) }),
    ...(actor !== undefined && { actor }),
    time: event.time,
    receivedAt: now.toISOString(),
    matched: matched.map(({ rule, runId, rejected }) => ({
      rule,
      runId,
      ...(rejected !== undefined && { rejected: cut(rejected, MAX_REASON) }),
    })),
    unmatched: listed.map(({ isRefused: _, ...why }) => ({ ...why, because: cut(why.because, MAX_REASON) })),
    ...(notes.length > 0 && {
      notes: notes.map(({ code, message }) => ({ code, message: cut(message, MAX_REASON) })),
    }),
    ...(omitted > 0 && { unmatchedOmitted: omitted }),
  };
}

/** The record's key, in which two long ids with the same beginning stay distinct. */
function shortId(id: string): string {
  if (id.length <= MAX_ID) return id;
  return `${cut(id, MAX_ID)}${createHash('sha256').update(id).digest('hex').slice(0, 32)}`;
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length).toWellFormed()}…`;
}

/** A note about an event, apart from the rules: in the record, in the answer, and in `why`. */
export interface Note {
  /** Stable, for programs: `event.stale`. */
  code: string;
  message: string;
}

/** The decision about one event, for a source that answers in its own format. */
export interface DoorOutcome {
  event: TriggerEvent;
  matched: readonly { rule: string; runId: string; rejected?: string }[];
  /** `isRefused`: the person may not use the rule. Only for the record; answers in a chat never name it. */
  unmatched: readonly { rule: string; because: string; code?: string | undefined; isRefused?: true }[];
  /** How many further rules did not fire, without a reason. */
  unmatchedOmitted?: number;
  notes?: readonly Note[];
  /** The answer of a built-in verb (lib/chat/); then no rule was evaluated. Plain lines, names between backticks. */
  text?: string | undefined;
}
