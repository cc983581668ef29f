/**
 * Finds the invocations that can only be a given attempt whose answer was lost. TAT has no idempotence token, so the
 * only way to know is to look: same command, same instances, same parameters, created since. Better no answer than a
 * wrong one: what cannot be concluded is an error to try again, never an empty list.
 */
import { FleetReflexError } from '../../errors.ts';
import type { Target } from '../../model/target.ts';
import { answerOf, toError } from '../call-outcome.ts';
import { pagesByOffset } from '../pages.ts';
import type { Invocation } from '../provider.ts';
import type { VendorClient } from '../vendor-client.ts';
import { describeInvocations, type InvocationRow } from './actions/invocations.ts';
import { listTasks } from './reading.ts';

const PAGE = 100;
/** The vendor's times are whole seconds, and so is what is known of its clock. */
const SKEW_MS = 5000;
/** With a clock that is further off, what was before an attempt and what after it cannot be told. */
const MAX_OFFSET_MS = 60_000;
/** How a hidden parameter's value is shown in records: it may have been anything. */
const MASK = '******';
const CALLER = 'find';

/**
 * What two invocations have in common that the search could take for each other: command, region and the set of
 * instances. Their parameters are left out: a record hides the values of hidden ones, and may show a default for one
 * that was not given, so that two that differ in them can look the same.
 */
export function looksOf({ target: { region, command, instances } }: Invocation): string {
  return JSON.stringify([region, command, [...new Set(instances)].sort()]);
}

export async function findInvocations(
  client: VendorClient,
  { target: wanted }: Invocation,
  since: Date,
  maxPages: number,
): Promise<string[]> {
  const found = new Set<string>();
  const Filters = [{ Name: 'command-id', Values: [wanted.command] }];
  let asked = 0;
  const pages = pagesByOffset(
    (Offset) => {
      if (asked === maxPages)
        throw inconclusive(wanted, `more than ${maxPages * PAGE} invocations of it are newer`);
      asked += 1;
      return client.call(
        describeInvocations,
        wanted.region,
        { Filters, Limit: PAGE, Offset },
        { caller: CALLER },
      );
    },
    ({ InvocationSet }) => InvocationSet,
  );
  for await (const page of pages) {
    if (page.kind !== 'answered') {
      throw toError(page, 'tencent', `looking for an invocation of ${wanted.command}`);
    }
    const { answer, offsetMs } = page;
    const { InvocationSet: rows } = answer;
    if (Math.abs(offsetMs) > MAX_OFFSET_MS) {
      throw inconclusive(
        wanted,
        `our clock and that of TAT differ by ${Math.round(Math.abs(offsetMs) / 1000)} s`,
        { clockOffsetMs: offsetMs },
      );
    }
    // By their clock, for it is theirs that the records have.
    const from = since.getTime() + offsetMs - SKEW_MS;
    for (const row of rows) {
      if (createdAt(row) < from || !isOfUser(row) || !hasParameters(row, wanted.parameters)) continue;
      if (await runsOn(client, wanted, row)) found.add(row.InvocationId);
    }
    if (isPast(rows, from)) break;
  }
  return [...found];
}

/** Newest first is what the vendor does and no document says: only a page that shows it may end the search. */
function isPast(rows: readonly InvocationRow[], from: number): boolean {
  const times = rows.map(createdAt);
  const isNewestFirst = times.every((time, at) => at === 0 || time <= (times[at - 1] ?? time));
  return isNewestFirst && (times.at(-1) ?? from) < from;
}

/** A time that cannot be read counts as new: such a row is looked at, and never ends the search. */
function createdAt(row: InvocationRow): number {
  const time = Date.parse(row.CreatedTime);
  return Number.isNaN(time) ? Number.POSITIVE_INFINITY : time;
}

/** What a schedule started is not ours; the vendor spells it in upper and in lower case. */
function isOfUser(row: InvocationRow): boolean {
  return row.InvocationSource?.toUpperCase() !== 'INVOKER';
}

async function runsOn(client: VendorClient, wanted: Readonly<Target>, row: InvocationRow): Promise<boolean> {
  const instances = new Set(wanted.instances);
  let listed = new Set(row.InvocationTaskBasicInfoSet.map(({ InstanceId }) => InstanceId));
  if (!isWithin(listed, instances)) return false;
  if (listed.size < instances.size) {
    // The list may be cut, or not be filled yet.
    const all = await listTasks(client, wanted.region, row.InvocationId, CALLER);
    const rows = answerOf(all, 'tencent', `looking at the tasks of ${row.InvocationId}`);
    if (rows.length === 0) throw inconclusive(wanted, `${row.InvocationId} shows no tasks yet`);
    listed = new Set(rows.map(({ InstanceId }) => InstanceId));
  }
  return listed.size === instances.size && isWithin(listed, instances);
}

function isWithin(part: ReadonlySet<string>, whole: ReadonlySet<string>): boolean {
  return [...part].every((id) => whole.has(id));
}

/**
 * The same parameters, compared as values. The record may also carry the command's defaults for those that were not
 * given, and hides the values of hidden ones.
 */
function hasParameters(
  row: Pick<InvocationRow, 'Parameters' | 'DefaultParameters'>,
  wanted: Readonly<Record<string, string>>,
): boolean {
  const recorded = parametersOf(row.Parameters);
  const defaults = parametersOf(row.DefaultParameters);
  if (recorded === undefined || defaults === undefined) return false;
  for (const [name, value] of Object.entries(wanted)) {
    const shown = recorded.get(name);
    if (shown !== value && shown !== MASK) return false;
  }
  for (const [name, shown] of recorded) {
    if (!Object.hasOwn(wanted, name) && shown !== MASK && shown !== defaults.get(name)) return false;
  }
  return true;
}

function parametersOf(json: string | undefined): Map<string, unknown> | undefined {
  if (json === undefined || json === '') return new Map();
  try {
    const parsed: unknown = JSON.parse(json);
    if (parsed === null) return new Map();
    return typeof parsed === 'object' && !Array.isArray(parsed) ? new Map(Object.entries(parsed)) : undefined;
  } catch {
    return undefined;
  }
}

function inconclusive(wanted: Readonly<Target>, why: string, facts: object = {}): FleetReflexError {
  return new FleetReflexError(
    'provider.inconclusive',
    `looking for an invocation of ${wanted.command}: ${why}; it is looked for again`,
    {
      disposition: 'retry',
      details: { provider: 'tencent', command: wanted.command, region: wanted.region, ...facts },
    },
  );
}
