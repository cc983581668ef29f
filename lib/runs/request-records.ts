/**
 * The records of one delivered request. Each event that started a run has its own record, and so have the first of the
 * others. Further events with the same decision share a record that names them all: `why` still finds each, and one body
 * cannot flood the queue or the table.
 */
import { type DoorOutcome, type EventRecord, recordOf } from '../model/decision.ts';

/** How many events of a request have their own record beside those that started a run. */
const MAX_SINGLE = 50;
/** The maximum number of groups of decisions. */
const MAX_GROUPS = 20;
/** The maximum size of the names in one record: a page of a hundred such records still fits into an answer. */
const MAX_NAMES_BYTES = 24 * 1024;
/** Kept events of one request together: half of a batch, so that they cost at most one call more. */
const MAX_KEPT_BYTES = 128 * 1024;
const MAX_ID = 160;
const MAX_SUBJECT = 80;

type OtherEvent = NonNullable<EventRecord['events']>[number];

/**
 * @param started the run ids that the request started
 * @param keep what is to be kept of an event; it is not asked of those that share a record
 * @returns `starting`: of the events that started them, one each
 */
export function recordsOf(
  outcomes: readonly DoorOutcome[],
  started: ReadonlySet<string>,
  now: Date,
  keep: (outcome: DoorOutcome) => unknown = () => undefined,
): { starting: EventRecord[]; others: EventRecord[] } {
  const hasStarted = ({ matched }: DoorOutcome) => matched.some(({ runId }) => started.has(runId));
  const others = outcomes.filter((outcome) => !hasStarted(outcome));
  let left = MAX_KEPT_BYTES;
  const single = (outcome: DoorOutcome): EventRecord => {
    const record = recordOf(outcome, now);
    const event = left > 0 ? keep(outcome) : undefined;
    if (event === undefined) return record;
    left -= Buffer.byteLength(JSON.stringify(event));
    return left < 0 ? record : { ...record, event };
  };
  return {
    starting: outcomes.filter(hasStarted).map(single),
    others: [
      ...others.slice(0, MAX_SINGLE).map(single),
      ...groupsOf(others.slice(MAX_SINGLE)).flatMap((group) => recordsOfGroup(group, now)),
    ],
  };
}

/** Those that were decided in the same words; from some number of groups on, all that are left together. */
function groupsOf(outcomes: readonly DoorOutcome[]): DoorOutcome[][] {
  const groups = new Map<string, DoorOutcome[]>();
  for (const outcome of outcomes) {
    const matched = outcome.matched.map(({ rule, rejected }) => [rule, rejected !== undefined]);
    const words = JSON.stringify([outcome.event.type, matched, outcome.unmatched, outcome.notes]);
    const key = groups.has(words) || groups.size < MAX_GROUPS ? words : 'left';
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [outcome]);
    else group.push(outcome);
  }
  return [...groups.values()];
}

function recordsOfGroup(group: readonly DoorOutcome[], now: Date): EventRecord[] {
  const [first] = group;
  if (first === undefined || group.length === 1) return group.map((outcome) => recordOf(outcome, now));
  const chunks: OtherEvent[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const { event } of group) {
    const other = {
      eventId: cut(event.id, MAX_ID),
      subject: event.subject && cut(event.subject, MAX_SUBJECT),
    };
    const size = Buffer.byteLength(JSON.stringify(other));
    if (bytes + size > MAX_NAMES_BYTES) {
      chunks.push([]);
      bytes = 0;
    }
    chunks.at(-1)?.push(other);
    bytes += size;
  }
  return chunks.map((events) => {
    const record = recordOf(first, now);
    const more = events.length - 1;
    // A key of its own: the first of them may come again by itself.
    return { ...record, eventId: `${events[0]?.eventId ?? ''} and ${more} more of its request`, events };
  });
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length).toWellFormed()}…`;
}
