/**
 * The index of live runs: an entry for each run that somebody has to look at or to see to, by scope (a provider's region;
 * `-` is of runs without one), in the order of their last writes. All that a loop needs to know of a run that it does
 * not fetch yet is in the key, so that reading the index again shows whatever was written since.
 */
import { type DynamoDBDocumentClient, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { awaitsVerdict } from '../model/approval.ts';
import { RunStatus } from '../model/completion-event.ts';
import { isTerminalRun, type Run } from '../model/run.ts';
import { RunId } from '../model/run-request.ts';
import { EARLIER_DUE, INDEX, key, liveKey, livePartition } from './table.ts';

/** An entry of the index. */
export interface LiveRun {
  runId: RunId;
  rule: string;
  /** Of the stored run. */
  revision: number;
  status: RunStatus;
  /** ISO 8601: when the poller must process it, unless another process does so before. */
  pollAt: string;
  /** Of its last write, ISO 8601; entries are in its order. */
  at: string;
}

const Entry = z
  .looseObject({ rule: z.string(), dueSk: z.string() })
  .transform(({ rule, dueSk }) => {
    const [at = '', runId = '', revision = '', status = '', pollAt = ''] = dueSk.split('|');
    return { at, runId, rule, revision: Number(revision), status, pollAt };
  })
  .pipe(
    z.object({
      at: z.iso.datetime(),
      runId: RunId,
      rule: z.string(),
      revision: z.int(),
      status: RunStatus,
      pollAt: z.iso.datetime(),
    }),
  );

export function scopeOf({ target }: Pick<Run, 'target'>): string {
  return target === undefined ? '-' : `${target.provider}#${target.region}`;
}

/** The key of a run's entry; none for a run with nothing left to do. @param at when it is written */
export function entryKey(run: Omit<Run, 'tasks'>, at: Date): ReturnType<typeof liveKey> | undefined {
  const { pollAt, runId, revision, status } = run;
  if (pollAt === undefined) return undefined;
  // What waits for a person only is looked at when its time is over, as what is scheduled.
  const isLeft = awaitsVerdict(run) && !isTerminalRun(run);
  return liveKey(scopeOf(run), entryText(at, runId, revision, isLeft ? 'scheduled' : status, pollAt));
}

/** None of the parts has a `|`. */
function entryText(at: Date, runId: string, revision: number, status: RunStatus, pollAt: string): string {
  return [at.toISOString(), runId, String(revision), status, pollAt].join('|');
}

interface Options {
  client: DynamoDBDocumentClient;
  table: string;
}

/**
 * @param after only those that were written after that time (ISO 8601)
 * @returns what can be read; an entry of another version is left to it
 */
export async function readLive(options: Options, scope: string, after?: string): Promise<LiveRun[]> {
  const items = await readPartition(options, livePartition(scope), after);
  return items.flatMap((item) => Entry.safeParse(item).data ?? []);
}

/** The runs of the entries that an earlier version wrote. */
export async function readEarlierLive(options: Options): Promise<RunId[]> {
  const items = await readPartition(options, EARLIER_DUE);
  return items.map(({ runId }) => RunId.parse(runId));
}

async function readPartition(
  { client, table }: Options,
  partition: string,
  after?: string,
): Promise<Record<string, unknown>[]> {
  const items: Record<string, unknown>[] = [];
  let from: Record<string, unknown> | undefined;
  do {
    const page = await client.send(
      new QueryCommand({
        TableName: table,
        IndexName: INDEX.due,
        KeyConditionExpression: after === undefined ? 'duePk = :pk' : 'duePk = :pk AND dueSk > :after',
        // Items of the same moment sort behind it, and are returned again.
        ExpressionAttributeValues: { ':pk': partition, ...(after !== undefined && { ':after': after }) },
        ...(from && { ExclusiveStartKey: from }),
      }),
    );
    items.push(...(page.Items ?? []));
    from = page.LastEvaluatedKey;
  } while (from);
  return items;
}

/** Postpones an item that this version cannot read, so that it is not read again for a while. */
export async function setAside(
  { client, table }: Options,
  item: Readonly<Record<string, unknown>>,
  now: Date,
  ms: number,
): Promise<void> {
  const { runId, revision, duePk } = StoredKeys.parse(item);
  if (duePk === undefined) return;
  const until = new Date(now.getTime() + ms).toISOString();
  const entry = duePk === EARLIER_DUE ? until : entryText(now, runId, revision, 'scheduled', until);
  await client.send(
    new UpdateCommand({
      TableName: table,
      Key: key.run(runId),
      UpdateExpression: 'SET dueSk = :entry',
      ExpressionAttributeValues: { ':entry': entry },
    }),
  );
}

const StoredKeys = z.looseObject({ runId: z.string(), revision: z.number(), duePk: z.string().optional() });

/** Adds a scope to the list of all that ever had a live run. */
export async function addScope({ client, table }: Options, scope: string): Promise<void> {
  await client.send(
    new UpdateCommand({
      TableName: table,
      Key: key.scopes(),
      UpdateExpression: 'ADD #scopes :one',
      ExpressionAttributeNames: { '#scopes': 'scopes' },
      ExpressionAttributeValues: { ':one': new Set([scope]) },
    }),
  );
}

const Scopes = z.looseObject({ scopes: z.set(z.string()) });

export function readScopes(item: unknown): string[] {
  const found = Scopes.safeParse(item);
  return found.success ? [...found.data.scopes].sort() : [];
}
