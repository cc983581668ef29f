/** The run store on DynamoDB: single-item conditional writes only. Keys and conditions are in table.ts. */
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import {
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { FleetReflexError } from '../errors.ts';
import type { Run, RunTask } from '../model/run.ts';
import { RunId } from '../model/run-request.ts';
import { taskKey } from '../model/run-tasks.ts';
import { getAll, type Item, putAll } from './batch.ts';
import { listByDay } from './by-day.ts';
import { listScheduled } from './list-scheduled.ts';
import {
  hasEarlierTasks,
  isUnreadable,
  readEarlierOutputs,
  readEarlierTasks,
  readOutput,
  readRun,
  runItem,
  withOutputsApart,
} from './run-item.ts';
import type { RunPage, RunStore, Saved } from './run-store.ts';
import { condition, EARLIER_TASKS, expiresAt, INDEX, key, OUTPUTS, RUN_DAYS } from './table.ts';
import { Glimpse, TwinLease } from './twin-lease.ts';

export interface DynamoRunStoreOptions {
  client: DynamoDBDocumentClient;
  table: string;
  /** Told of a stored run that this code cannot read; nobody guesses what it means. Default: nobody is told. */
  onUnreadable?: (error: FleetReflexError) => void;
  /** Default: the clock of this machine. */
  now?: () => Date;
}

/** What a newer version wrote is looked at again after this: by then that version may be back. */
const SET_ASIDE_MS = 10 * 60_000;

const StoredGlimpse = z.looseObject({ run: Glimpse });
const StoredTwin = z.looseObject({ lease: TwinLease });

export function dynamoRunStore(options: DynamoRunStoreOptions): RunStore {
  const { client, table, onUnreadable = () => {}, now: clock = () => new Date() } = options;

  /** The items of a run whose sort keys begin so. */
  const partsOf = async (runId: string, prefix: string): Promise<Item[]> => {
    const parts: Item[] = [];
    let from: Item | undefined;
    do {
      const page = await client.send(
        new QueryCommand({
          TableName: table,
          ConsistentRead: true,
          KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
          ExpressionAttributeValues: { ':pk': key.run(runId).pk, ':prefix': prefix },
          ...(from && { ExclusiveStartKey: from }),
        }),
      );
      parts.push(...(page.Items ?? []));
      from = page.LastEvaluatedKey;
    } while (from);
    return parts;
  };

  const read = async (item: Item): Promise<Run> => {
    if (!hasEarlierTasks(item)) return readRun(item);
    return readRun(item, readEarlierTasks(await partsOf(String(item['runId']), EARLIER_TASKS)));
  };

  const get = async (runId: string): Promise<Run | undefined> => {
    const { Item } = await client.send(
      new GetCommand({ TableName: table, Key: key.run(runId), ConsistentRead: true }),
    );
    return Item === undefined ? undefined : await read(Item);
  };

  /** Those that can be read; of the others somebody is told. */
  const readable = async (
    items: readonly Item[],
    onOther?: (runId: string) => Promise<void>,
  ): Promise<Run[]> => {
    const runs = await Promise.all(
      items.map(async (item) => {
        try {
          return await read(item);
        } catch (error) {
          if (!isUnreadable(error)) throw error;
          onUnreadable(error);
          await onOther?.(String(item['runId']));
          return undefined;
        }
      }),
    );
    return runs.filter((run) => run !== undefined);
  };

  const getMany = async (
    runIds: readonly string[],
    onOther?: (runId: string) => Promise<void>,
  ): Promise<Run[]> => await readable(await getAll({ client, table }, runIds.map(key.run)), onOther);

  const setAside = async (runId: string, until: Date): Promise<void> => {
    await client.send(
      new UpdateCommand({
        TableName: table,
        Key: key.run(runId),
        UpdateExpression: 'SET dueSk = :until',
        ExpressionAttributeValues: { ':until': until.toISOString() },
      }),
    );
  };

  const invocationOwner = async (provider: string, invocationId: string): Promise<RunId | undefined> => {
    const Key = key.invocation(provider, invocationId);
    const { Item } = await client.send(new GetCommand({ TableName: table, Key, ConsistentRead: true }));
    return Item === undefined ? undefined : RunId.parse(Item['runId']);
  };

  return {
    get,
    getMany: (runIds) => getMany(runIds),

    async create(given) {
      const { run, outputs } = withOutputsApart(given);
      await putAll({ client, table }, outputs);
      const created = await unlessConditionFails(
        client.send(
          new PutCommand({ TableName: table, Item: runItem(run), ConditionExpression: condition.isNew }),
        ),
      );
      if (created) return { isNew: true, run };
      return { isNew: false, run: await mustGet(get, run.runId) };
    },

    async save(given): Promise<Saved> {
      const { run, outputs } = withOutputsApart(given);
      await putAll({ client, table }, outputs);
      const next: Run = { ...run, revision: run.revision + 1 };
      const saved = await unlessConditionFails(
        client.send(
          new PutCommand({
            TableName: table,
            Item: runItem(next),
            ConditionExpression: condition.isRevision,
            ExpressionAttributeValues: { ':expected': run.revision },
          }),
        ),
      );
      return saved ? { kind: 'saved', run: next } : { kind: 'conflict', run: await mustGet(get, run.runId) };
    },

    async markTold(runs) {
      await putAll(
        { client, table },
        runs.map((run) => runItem({ ...run, revision: run.revision + 1 })),
      );
    },

    async outputs(run) {
      const isMissing = ({ isOutputApart, output }: RunTask) =>
        isOutputApart === true && output === undefined;
      if (!run.tasks.some(isMissing)) return run;
      const filled = (found: ReadonlyMap<string, Uint8Array>, tasks: readonly RunTask[]): RunTask[] =>
        tasks.map((task) => (isMissing(task) ? { ...task, output: found.get(taskKey(task)) } : task));
      const tasks = filled(new Map((await partsOf(run.runId, OUTPUTS)).map(readOutput)), run.tasks);
      if (!tasks.some(isMissing)) return { ...run, tasks };
      // Of a run that an earlier version began.
      const earlier = new Map(readEarlierOutputs(await partsOf(run.runId, EARLIER_TASKS)));
      return { ...run, tasks: filled(earlier, tasks) };
    },

    async list({ rule, ...options }): Promise<RunPage> {
      const { items, ...next } = await listByDay({
        ...options,
        client,
        indexes: [{ table, ...RUN_DAYS }],
        now: clock(),
        read(item) {
          try {
            return [readRun(item)];
          } catch (error) {
            if (!isUnreadable(error)) throw error;
            onUnreadable(error);
            return [];
          }
        },
        ...(rule !== undefined && { where: { attribute: 'rule', value: rule } }),
      });
      return { runs: items, ...next };
    },

    scheduled: (asked) => listScheduled({ ...asked, client, table, getMany }),

    async due(now, limit) {
      const { Items = [] } = await client.send(
        new QueryCommand({
          TableName: table,
          IndexName: INDEX.due,
          KeyConditionExpression: 'duePk = :due AND dueSk <= :now',
          ExpressionAttributeValues: { ':due': 'DUE', ':now': now.toISOString() },
          Limit: limit,
        }),
      );
      // The index lags behind the table and holds keys only: what counts is the item as it is now. One that cannot be
      // read must not stop the others, nor be looked at again and again.
      const runs = await getMany(
        Items.map(({ runId }) => z.string().parse(runId)),
        (runId) => setAside(runId, new Date(now.getTime() + SET_ASIDE_MS)),
      );
      return runs
        .filter(({ pollAt }) => pollAt !== undefined && pollAt <= now.toISOString())
        .toSorted((a, b) => ((a.pollAt ?? '') < (b.pollAt ?? '') ? -1 : 1));
    },

    async nextDue() {
      const { Items = [] } = await client.send(
        new QueryCommand({
          TableName: table,
          IndexName: INDEX.due,
          KeyConditionExpression: 'duePk = :due',
          ExpressionAttributeValues: { ':due': 'DUE' },
          Limit: 1,
        }),
      );
      const first = Items[0];
      return first === undefined ? undefined : new Date(z.string().parse(first['dueSk']));
    },

    async live(rule) {
      const live: RunId[] = [];
      let from: Record<string, unknown> | undefined;
      do {
        const page = await client.send(
          new QueryCommand({
            TableName: table,
            IndexName: INDEX.due,
            KeyConditionExpression: 'duePk = :due',
            FilterExpression: '#rule = :rule AND isLive = :yes',
            ExpressionAttributeNames: { '#rule': 'rule' },
            ExpressionAttributeValues: { ':due': 'DUE', ':rule': rule, ':yes': true },
            ...(from && { ExclusiveStartKey: from }),
          }),
        );
        for (const item of page.Items ?? []) live.push(RunId.parse(item['runId']));
        from = page.LastEvaluatedKey;
      } while (from);
      return live;
    },

    async noteInvocation(provider, invocationId, runId) {
      await client.send(
        new PutCommand({
          TableName: table,
          Item: { ...key.invocation(provider, invocationId), runId, expiresAt: expiresAt(clock()) },
        }),
      );
    },

    invocationOwner,

    async twin(twinKey) {
      const Key = key.twin(twinKey);
      const { Item } = await client.send(new GetCommand({ TableName: table, Key, ConsistentRead: true }));
      return Item === undefined ? undefined : StoredTwin.parse(Item).lease;
    },

    takeTwin: (twinKey, lease, read) =>
      unlessConditionFails(
        client.send(
          new PutCommand({
            TableName: table,
            Item: {
              ...key.twin(twinKey),
              revision: lease.revision,
              lease,
              expiresAt: expiresAt(clock()),
            },
            ...(read === undefined
              ? { ConditionExpression: condition.isNew }
              : {
                  ConditionExpression: condition.isRevision,
                  ExpressionAttributeValues: { ':expected': read.revision },
                }),
          }),
        ),
      ),

    async glimpse(runId) {
      const { Item } = await client.send(
        new GetCommand({ TableName: table, Key: key.run(runId), ConsistentRead: true }),
      );
      if (Item === undefined) return undefined;
      const seen = StoredGlimpse.safeParse(Item);
      return seen.success ? seen.data.run : 'unreadable';
    },

    acquireLease: (name, owner, now, leaseMs) =>
      unlessConditionFails(
        client.send(
          new PutCommand({
            TableName: table,
            Item: { ...key.lease(name), owner, until: new Date(now.getTime() + leaseMs).toISOString() },
            ConditionExpression: condition.isLeaseFree,
            ExpressionAttributeNames: { '#owner': 'owner', '#until': 'until' },
            ExpressionAttributeValues: { ':owner': owner, ':now': now.toISOString() },
          }),
        ),
      ),

    async releaseLease(name, owner) {
      await unlessConditionFails(
        client.send(
          new DeleteCommand({
            TableName: table,
            Key: key.lease(name),
            ConditionExpression: condition.isLeaseOurs,
            ExpressionAttributeNames: { '#owner': 'owner' },
            ExpressionAttributeValues: { ':owner': owner },
          }),
        ),
      );
    },

    planWakeUp: (at, now) =>
      unlessConditionFails(
        client.send(
          new PutCommand({
            TableName: table,
            Item: { ...key.wakeUp(), at: at.toISOString() },
            ConditionExpression: condition.isWakeUpEarlier,
            ExpressionAttributeNames: { '#at': 'at' },
            ExpressionAttributeValues: { ':at': at.toISOString(), ':now': now.toISOString() },
          }),
        ),
      ),
  };
}

async function mustGet(get: (runId: string) => Promise<Run | undefined>, runId: string): Promise<Run> {
  const run = await get(runId);
  if (run === undefined) {
    throw new FleetReflexError('store.vanished', `The run ${runId} was there and is gone; try again.`, {
      disposition: 'retry',
    });
  }
  return run;
}

/** `false` when the write's condition did not hold; every other failure is thrown. */
export async function unlessConditionFails(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}
