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
import { isTerminalRun, Run, RunTask, timerOf } from '../model/run.ts';
import { RunId } from '../model/run-request.ts';
import { TERMINAL_RANK, taskRank } from '../model/status.ts';
import { upgradeRun } from '../model/upgrade.ts';
import { listByDay } from './by-day.ts';
import { listScheduled } from './list-scheduled.ts';
import type { RunPage, RunStore, Saved } from './run-store.ts';
import { condition, dayKey, dueKey, expiresAt, INDEX, key, RUN_DAYS } from './table.ts';
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

const StoredRun = z.looseObject({ run: z.preprocess(upgradeRun, Run) });
const StoredGlimpse = z.looseObject({ run: Glimpse });
const StoredTwin = z.looseObject({ lease: TwinLease });
const StoredTask = z.looseObject({ task: RunTask });

export function dynamoRunStore({
  client,
  table,
  onUnreadable = () => {},
  now: clock = () => new Date(),
}: DynamoRunStoreOptions): RunStore {
  const get = async (runId: string): Promise<Run | undefined> => {
    const { Item } = await client.send(
      new GetCommand({ TableName: table, Key: key.run(runId), ConsistentRead: true }),
    );
    return Item === undefined ? undefined : readRun(Item);
  };

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

    async create(run) {
      const created = await unlessConditionFails(
        client.send(
          new PutCommand({ TableName: table, Item: runItem(run), ConditionExpression: condition.isNew }),
        ),
      );
      if (created) return { isNew: true, run };
      return { isNew: false, run: await mustGet(get, run.runId) };
    },

    async save(run): Promise<Saved> {
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

    async list({ rule, ...options }): Promise<RunPage> {
      const { items, ...next } = await listByDay({
        ...options,
        client,
        indexes: [{ table, ...RUN_DAYS }],
        now: clock(),
        read(item) {
          const run = StoredRun.safeParse(item);
          if (run.success) return [run.data.run];
          onUnreadable(unreadable(item, run.error));
          return [];
        },
        ...(rule !== undefined && { where: { attribute: 'rule', value: rule } }),
      });
      return { runs: items, ...next };
    },

    scheduled: (options) =>
      listScheduled({
        ...options,
        client,
        table,
        get: async (runId) => {
          try {
            return await get(runId);
          } catch (error) {
            if (!isUnreadable(error)) throw error;
            onUnreadable(error);
            return undefined;
          }
        },
      }),

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
      // The index lags behind the table and holds keys only: what counts is the item as it is now.
      const runs = await Promise.all(
        Items.map(async (item) => {
          const runId = z.string().parse(item['runId']);
          try {
            return await get(runId);
          } catch (error) {
            if (!isUnreadable(error)) throw error;
            onUnreadable(error);
            // One that cannot be read must not stop the others, nor be looked at again and again.
            await setAside(runId, new Date(now.getTime() + SET_ASIDE_MS));
            return undefined;
          }
        }),
      );
      return runs.flatMap((run) =>
        run?.pollAt !== undefined && run.pollAt <= now.toISOString() ? [run] : [],
      );
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

    async putTask(task) {
      const now = clock();
      return await unlessConditionFails(
        client.send(
          new PutCommand({
            TableName: table,
            Item: {
              ...key.task(task.runId, task.invocationId, task.instanceId),
              rank: taskRank(task.status),
              task,
              expiresAt: expiresAt(now),
            },
            ConditionExpression: condition.movesForward,
            ExpressionAttributeNames: { '#rank': 'rank' },
            ExpressionAttributeValues: { ':rank': taskRank(task.status), ':terminal': TERMINAL_RANK },
          }),
        ),
      );
    },

    async tasks(runId) {
      const tasks: RunTask[] = [];
      let from: Record<string, unknown> | undefined;
      do {
        const page = await client.send(
          new QueryCommand({
            TableName: table,
            ConsistentRead: true,
            KeyConditionExpression: 'pk = :pk AND begins_with(sk, :tasks)',
            ExpressionAttributeValues: { ':pk': key.run(runId).pk, ':tasks': 'TASK#' },
            ...(from && { ExclusiveStartKey: from }),
          }),
        );
        for (const item of page.Items ?? []) tasks.push(StoredTask.parse(item).task);
        from = page.LastEvaluatedKey;
      } while (from);
      return tasks;
    },

    async markTaskSent({ runId, invocationId, instanceId }) {
      await client.send(
        new UpdateCommand({
          TableName: table,
          Key: key.task(runId, invocationId, instanceId),
          UpdateExpression: 'SET #task.isEventSent = :yes',
          ConditionExpression: 'attribute_exists(pk)',
          ExpressionAttributeNames: { '#task': 'task' },
          ExpressionAttributeValues: { ':yes': true },
        }),
      );
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

function runItem(run: Run): Record<string, unknown> {
  return {
    ...key.run(run.runId),
    ...dayKey(listedAt(run), run.runId),
    ...(run.pollAt !== undefined && dueKey(run.pollAt)),
    runId: run.runId,
    rule: run.rule,
    isLive: !isTerminalRun(run),
    revision: run.revision,
    run,
    // One that waits for a time far ahead is kept until long after it, and after its end.
    expiresAt: expiresAt(latest(run.requestedAt, run.pollAt, run.endedAt)),
  };
}

/** One that waited is listed where it was sent, or ended: days that are long past are not read any more. */
function listedAt(run: Run): string {
  const timer = timerOf(run);
  if (timer === undefined) return run.requestedAt;
  const since = run.invocations.length > 0 ? timer.nextAt : run.endedAt;
  return latest(run.requestedAt, since).toISOString();
}

function latest(...times: readonly (string | undefined)[]): Date {
  return new Date(Math.max(...times.flatMap((time) => (time === undefined ? [] : [Date.parse(time)]))));
}

function readRun(item: Record<string, unknown>): Run {
  const parsed = StoredRun.safeParse(item);
  if (parsed.success) return parsed.data.run;
  throw unreadable(item, parsed.error);
}

function unreadable(item: Readonly<Record<string, unknown>>, cause: z.ZodError): FleetReflexError {
  return new FleetReflexError(
    'store.unreadable',
    `The stored run ${String(item['runId'])} is not of a version that this code knows. Deploy the version that wrote it, or a newer one.`,
    { disposition: 'hold', cause },
  );
}

function isUnreadable(error: unknown): error is FleetReflexError {
  return error instanceof FleetReflexError && error.code === 'store.unreadable';
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
