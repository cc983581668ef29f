/**
 * The tables: every key, index and condition of the run store and the guards in one place (docs/decisions/ has why).
 * The table of the runs, one item type a prefix, sparse indexes:
 * - `due`:  pk `LIVE#tencent#ap-guangzhou`, sk the time of the last write and what a loop has to know: runs that the
 *   poller has to look at (live-index.ts); a run with nothing left to do is not in it. What earlier versions wrote has
 *   pk `DUE`, sk `pollAt`
 * - `list`: pk `LIST#2026-11-20#3`, sk `requestedAt#runId`: a line of each run, by the day that it was asked for, split
 *   by hash
 * - `days`: pk `DAY#2026-11-20`: the same of earlier versions, with whole runs; nothing is written there any more
 *
 * The table of records, what was decided about events, one index:
 * - `days`: pk `EVENTS#2026-11-20#3`, sk `receivedAt#source#eventId`: by day, split by hash; pk `AUDIT#2026-11-20`, sk
 *   `at#id`: what people did
 */
import { createHash } from 'node:crypto';

export const INDEX = { due: 'due', list: 'list', days: 'days' } as const;

/** A partition takes a thousand writes a second: a day has so many. */
const SHARDS = 4;
const SHARD_NUMBERS = Array.from({ length: SHARDS }, (_, shard) => shard);

/** Runs, tasks and claims expire this long after they were written (TTL attribute `expiresAt`, epoch seconds). */
export const RETENTION_DAYS = 30;

/** All parts of a key but one are encoded, so that no two lists of parts make one key; plain words stay as they are. */
const part = (text: string): string => text.replaceAll('%', '%25').replaceAll('#', '%23');

interface Aimed {
  rule: string;
  key: string | undefined;
}

/** `KEY#` alone is what rules without a key have had from the first; a key with nothing in it is another. */
function claimSort(claimKey: string | undefined): string {
  if (claimKey === undefined) return 'KEY#';
  return claimKey === '' ? 'EMPTY' : `KEY#${claimKey}`;
}

/** What the sort keys of a run's outputs begin with; and those of its tasks, in what earlier versions wrote. */
export const OUTPUTS = 'OUTPUT#';
export const EARLIER_TASKS = 'TASK#';

export const key = {
  run: (runId: string) => ({ pk: `RUN#${runId}`, sk: 'RUN' }),
  /** The output of a task that is not small: a run has each instance once in an invocation. */
  output: (runId: string, invocationId: string, instanceId: string) => ({
    pk: `RUN#${runId}`,
    sk: `${OUTPUTS}${invocationId}#${part(instanceId)}`,
  }),
  /** The names of all partitions of the index of live runs. */
  scopes: () => ({ pk: 'SCOPES', sk: 'SCOPES' }),
  /** Who sent last what looks the same to the provider: `tencent#<hash>`. */
  twin: (twinKey: string) => ({ pk: `TWIN#${twinKey}`, sk: 'TWIN' }),
  lease: (name: string) => ({ pk: `LEASE#${name}`, sk: 'LEASE' }),
  /** A rule without a key has one claim of its own, which no key names. */
  claim: (guard: string, rule: string, claimKey: string | undefined) => ({
    pk: `CLAIM#${part(guard)}#${rule}`,
    sk: claimSort(claimKey),
  }),
  /** What a cancel leaves for the runs that it has overtaken; lib/store/dynamodb-tombstones.ts. */
  tombstone: ({ rule, key: claimKey }: Aimed) => key.claim('cancel', rule, claimKey),
  endsOfAlerts: ({ rule, key: claimKey }: Aimed) => ({
    pk: `CLAIM#cancel#${rule}`,
    sk: `ENDS#${claimSort(claimKey)}`,
  }),
  endOfEpisode: (
    { rule, key: claimKey }: Aimed,
    source: string,
    { alert, startsAt }: { alert: string; startsAt: string },
  ) => ({
    pk: `CLAIM#cancel#${rule}`,
    sk: `END#${createHash('sha256')
      .update(JSON.stringify([claimKey ?? null, source, alert, startsAt]))
      .digest('hex')}`,
  }),
  /** What waits for its time, of one rule: one item, so that one condition decides between several at once. */
  agenda: (rule: string) => ({ pk: `AGENDA#${rule}`, sk: 'AGENDA' }),
  /** The runs of a rule that began within the last hour. */
  hourly: (rule: string) => ({ pk: `HOURLY#${rule}`, sk: 'HOURLY' }),
  /** The locks of the instances of a region, so many buckets of them; lib/store/dynamodb-instance-locks.ts. */
  locks: (provider: string, region: string, bucket: number) => ({
    pk: `LOCK#${part(provider)}#${part(region)}#${bucket}`,
    sk: 'LOCK',
  }),
  inFlight: (rule: string) => ({ pk: `INFLIGHT#${rule}`, sk: 'INFLIGHT' }),
  /** All schedules and how far they are in step are one collection: the poller reads them in one query. */
  schedule: (provider: string, region: string, name: string) => ({
    pk: 'SCHEDULES',
    sk: `SCHEDULE#${part(provider)}#${part(region)}#${name}`,
  }),
  scheduleSync: () => ({ pk: 'SCHEDULES', sk: 'SYNC' }),
  event: (source: string, eventId: string) => ({ pk: `EVENT#${part(source)}#${eventId}`, sk: 'EVENT' }),
  /** What an event said that asked for a run first, where its sender chose its id. */
  content: (runId: string) => ({ pk: `CONTENT#${runId}`, sk: 'CONTENT' }),
  /** An act of a person; nothing changes it. */
  audit: (id: string) => ({ pk: `AUDIT#${part(id)}`, sk: 'AUDIT' }),
  /** The digest of the rules that was seen last. */
  rulesSeen: () => ({ pk: 'RULES', sk: 'RULES' }),
  /** How far the archive has come. */
  archive: () => ({ pk: 'ARCHIVE', sk: 'ARCHIVE' }),
  freeze: () => ({ pk: 'FREEZE', sk: 'FREEZE' }),
} as const;

/** In what earlier versions wrote: one partition for all, sorted by `pollAt`. */
export const EARLIER_DUE = 'DUE';
export const livePartition = (scope: string) => `LIVE#${scope}`;
export const liveKey = (scope: string, entry: string) => ({ duePk: livePartition(scope), dueSk: entry });
const DAY_KEYS = { index: INDEX.days, keys: { pk: 'dayPk', sk: 'daySk' } } as const;

export const listKey = (requestedAt: string, runId: string) => ({
  listPk: `LIST#${requestedAt.slice(0, 10)}#${shardOf(runId)}`,
  listSk: `${requestedAt}#${runId}`,
});
export const RUN_DAYS = {
  index: INDEX.list,
  keys: { pk: 'listPk', sk: 'listSk' },
  partitions: (day: string) => SHARD_NUMBERS.map((shard) => `LIST#${day}#${shard}`),
} as const;
/** Where earlier versions listed their runs: one partition a day, with the whole run. */
export const EARLIER_RUN_DAYS = { ...DAY_KEYS, partitions: (day: string) => [`DAY#${day}`] } as const;

export const eventDayKey = (receivedAt: string, source: string, eventId: string) => ({
  dayPk: `EVENTS#${receivedAt.slice(0, 10)}#${shardOf(`${source}#${eventId}`)}`,
  daySk: `${receivedAt}#${part(source)}#${eventId}`,
});
export const EVENT_DAYS = {
  ...DAY_KEYS,
  partitions: (day: string) => SHARD_NUMBERS.map((shard) => `EVENTS#${day}#${shard}`),
} as const;
/** Where the previous version kept them: in the table of the runs. */
export const EARLIER_EVENT_DAYS = { ...DAY_KEYS, partitions: (day: string) => [`EVENTS#${day}`] } as const;

export const auditDayKey = (at: string, id: string) => ({
  dayPk: `AUDIT#${at.slice(0, 10)}`,
  daySk: `${at}#${part(id)}`,
});
/** One partition a day: people do little. */
export const AUDIT_DAYS = { ...DAY_KEYS, partitions: (day: string) => [`AUDIT#${day}`] } as const;

function shardOf(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE() % SHARDS;
}

export function expiresAt(from: Date, days = RETENTION_DAYS): number {
  return Math.floor(from.getTime() / 1000) + days * 86_400;
}

/** Conditions, each with the sentence that it stands for. */
export const condition = {
  isNew: 'attribute_not_exists(pk)',
  /** The first, or the same again. */
  isContentOurs: 'attribute_not_exists(pk) OR #hash = :hash',
  /** Unchanged since we read it. */
  isRevision: 'revision = :expected',
  /** Free, ours already, or run out. */
  isLeaseFree: 'attribute_not_exists(pk) OR #owner = :owner OR #until < :now',
  isLeaseOurs: '#owner = :owner',
  /** None of the runs is counted, and there is room for all: nothing is counted yet, or less than the limits. */
  hasHourlyRoom: (runs: readonly string[]) =>
    `${runs.map((run) => `attribute_not_exists(${run}) AND `).join('')}(attribute_not_exists(#runs) OR (#runs < :runs AND #instances <= :room))`,
  /** None is there, or one that is older. */
  isNewer: 'attribute_not_exists(#at) OR #at < :at',
  isMarkNewer: 'attribute_not_exists(#mark) OR #mark.#at < :at',
  isCounted: 'attribute_exists(#run)',
  /** Each is not there, or has run out, or is ours. A lock is `<until> <run>`. */
  areLocksFree: (locks: readonly string[]) =>
    locks
      .map((lock) => `(attribute_not_exists(${lock}) OR ${lock} < :now OR contains(${lock}, :runId))`)
      .join(' AND '),
  areLocksOurs: (locks: readonly string[]) => locks.map((lock) => `contains(${lock}, :runId)`).join(' AND '),
} as const;
