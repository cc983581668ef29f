/** The run store on DynamoDB: single-item conditional writes only. Keys and conditions are in table.ts. */
import { type DynamoDBDocumentClient, GetCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { FleetReflexError } from '../errors.ts';
import { isAwaitingSchedule, isTerminalStatus, type Run, type RunTask } from '../model/run.ts';
import { taskKey } from '../model/run-tasks.ts';
import { getAll, type Item, putAll } from './batch.ts';
import { listByDay } from './by-day.ts';
import { dynamoLeases, readLease } from './dynamodb-leases.ts';
import { dynamoTwins } from './dynamodb-twins.ts';
import {
  addScope,
  type LiveRun,
  readEarlierLive,
  readLive,
  readScopes,
  scopeOf,
  setAside,
} from './live-index.ts';
import {
  hasEarlierTasks,
  isUnreadable,
  readEarlierOutputs,
  readEarlierTasks,
  readOutput,
  readRun,
  readSummary,
  runItem,
  withOutputsApart,
} from './run-item.ts';
import { type Lease, loopLease, type RunPage, type RunStore, type Saved } from './run-store.ts';
import { runsWhere } from './runs-where.ts';
import { condition, EARLIER_RUN_DAYS, EARLIER_TASKS, key, OUTPUTS, RUN_DAYS } from './table.ts';
import type { Sleep } from './together.ts';
import { unlessConditionFails } from './unless-condition-fails.ts';

export interface DynamoRunStoreOptions {
  client: DynamoDBDocumentClient;
  table: string;
  /** Called for a stored run that this code cannot read. Default: ignored. */
  onUnreadable?: (error: FleetReflexError) => void;
  /** Default: the clock of this machine. */
  now?: () => Date;
  /** Between repetitions of a batch, in milliseconds. Default: by this machine's clock. */
  sleep?: Sleep | undefined;
}

const ADOPT_EVERY_MS = 60_000;
/** What a newer version wrote is looked at again after this: by then that version may be back. */
const SET_ASIDE_MS = 10 * 60_000;

export function dynamoRunStore(options: DynamoRunStoreOptions): RunStore {
  const { client, table, sleep, onUnreadable = () => {}, now: clock = () => new Date() } = options;
  const batches = { client, table, sleep };

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

  /** The readable runs; unreadable ones are reported, and not read again for a while. */
  const getMany = async (runIds: readonly string[]): Promise<Run[]> => {
    const items = await getAll(batches, runIds.map(key.run));
    const runs = await Promise.all(
      items.map(async (item) => {
        try {
          return await read(item);
        } catch (error) {
          if (!isUnreadable(error)) throw error;
          onUnreadable(error);
          await setAside({ client, table }, item, clock(), SET_ASIDE_MS);
          return undefined;
        }
      }),
    );
    return runs.filter((run) => run !== undefined);
  };

  const known = new Set<string>();
  /** Written before the first run of the scope is stored, so that no live run is in an unknown scope. */
  const ensureScope = async (run: Run): Promise<void> => {
    const scope = scopeOf(run);
    if (run.pollAt === undefined || known.has(scope)) return;
    await addScope({ client, table }, scope);
    known.add(scope);
  };

  /** Those that were read last: their leases are asked for together with the names, in one request. */
  let lastScopes: readonly string[] = [];
  const scopes = async (): Promise<Map<string, Lease | undefined>> => {
    const leaseKeys = lastScopes.map((scope) => key.lease(loopLease(scope)));
    const items = await getAll(batches, [key.scopes(), ...leaseKeys]);
    const at = ({ pk }: { pk: string }) => items.find((item) => item['pk'] === pk);
    lastScopes = readScopes(at(key.scopes()));
    return new Map(lastScopes.map((scope) => [scope, readLease(at(key.lease(loopLease(scope))))]));
  };

  const save = async (given: Run): Promise<Saved> => {
    const { run, outputs } = withOutputsApart(given);
    await Promise.all([putAll(batches, outputs), ensureScope(run)]);
    const next: Run = { ...run, revision: run.revision + 1 };
    const saved = await unlessConditionFails(
      client.send(
        new PutCommand({
          TableName: table,
          Item: runItem(next, clock()),
          ConditionExpression: condition.isRevision,
          ExpressionAttributeValues: { ':expected': run.revision },
        }),
      ),
    );
    return saved ? { kind: 'saved', run: next } : { kind: 'conflict', run: await mustGet(get, run.runId) };
  };

  let adoptedAtMs = -Infinity;
  const adoptEarlier = async (): Promise<void> => {
    const nowMs = clock().getTime();
    if (nowMs < adoptedAtMs + ADOPT_EVERY_MS) return;
    // Another process that saves one meanwhile moves it too.
    for (const run of await getMany(await readEarlierLive({ client, table }))) await save(run);
    adoptedAtMs = nowMs;
  };

  const allLive = async (): Promise<LiveRun[]> => {
    await adoptEarlier();
    return (
      await Promise.all([...(await scopes()).keys()].map((scope) => readLive({ client, table }, scope)))
    ).flat();
  };

  return {
    get,
    getMany,

    async create(given) {
      const { run, outputs } = withOutputsApart(given);
      await Promise.all([putAll(batches, outputs), ensureScope(run)]);
      const created = await unlessConditionFails(
        client.send(
          new PutCommand({
            TableName: table,
            Item: runItem(run, clock()),
            ConditionExpression: condition.isNew,
          }),
        ),
      );
      if (created) return { isNew: true, run };
      return { isNew: false, run: await mustGet(get, run.runId) };
    },

    save,

    async markTold(runs) {
      await putAll(
        batches,
        runs.map((run) => runItem({ ...run, revision: run.revision + 1 }, clock())),
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

    async list({ rule, status, by, ...options }): Promise<RunPage> {
      const { items, ...next } = await listByDay({
        ...options,
        client,
        indexes: [
          { table, ...RUN_DAYS },
          { table, ...EARLIER_RUN_DAYS },
        ],
        now: clock(),
        read(item) {
          try {
            return [readSummary(item)];
          } catch (error) {
            if (!isUnreadable(error)) throw error;
            onUnreadable(error);
            return [];
          }
        },
        where: runsWhere({ rule, status, by }),
      });
      return { runs: items, ...next };
    },

    async scheduled({ limit, rule }) {
      const waiting = (await allLive())
        .filter((one) => one.status === 'scheduled' && (rule === undefined || one.rule === rule))
        .toSorted((a, b) => (a.pollAt < b.pollAt ? -1 : 1))
        .slice(0, limit);
      const runs = await getMany(waiting.map(({ runId }) => runId));
      return runs
        .filter(isAwaitingSchedule)
        .toSorted((a, b) => ((a.pollAt ?? '') < (b.pollAt ?? '') ? -1 : 1));
    },

    async live(rule) {
      const live = (await allLive()).filter((one) => one.rule === rule && !isTerminalStatus(one.status));
      return live.map(({ runId }) => runId);
    },

    adoptEarlier,
    scopes,
    liveIn: (scope, after) => readLive({ client, table }, scope, after),
    ...dynamoTwins({ client, table, now: clock }),
    ...dynamoLeases({ client, table }),
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
