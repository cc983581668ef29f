/**
 * The locks of instances on the table of the runs. An item, a bucket, has the locks of many instances: an attribute for
 * each, `<until> <run>`, so that a run of fifty takes ten writes and not fifty. One conditional update takes all that a
 * run wants of a bucket. The buckets are taken in one order by all: of runs that want the same instances one always gets on,
 * and a run that does not get all gives back what it has.
 */
import { createHash } from 'node:crypto';
import { type DynamoDBDocumentClient, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { FleetReflexError } from '../errors.ts';
import { RunId } from '../model/run-request.ts';
import { inChunks } from '../providers/chunks.ts';
import { getAll } from './batch.ts';
import type { HeldLock, InstanceLocks, Locking } from './instance-locks.ts';
import { condition, expiresAt, key } from './table.ts';
import { unlessConditionFails } from './unless-condition-fails.ts';

/** Of a region: as many writes as a run of many instances takes at most, if one update is enough for each. */
const BUCKETS = 10;
/** What the 4 KB of an expression have room for. */
const MAX_IN_UPDATE = 30;
/** Each try that fails has seen locks that were gone when it looked who has them. */
const MAX_TRIES = 20;

const PREFIX = 'lock:';

/** The instances of one update. */
interface Group {
  itemKey: ReturnType<typeof key.locks>;
  instances: readonly string[];
}

export function dynamoInstanceLocks({
  client,
  table,
}: {
  client: DynamoDBDocumentClient;
  table: string;
}): InstanceLocks {
  const take = (group: Group, runId: RunId, until: Date, now: Date): Promise<boolean> => {
    const names = namesOf(group);
    return unlessConditionFails(
      client.send(
        new UpdateCommand({
          TableName: table,
          Key: group.itemKey,
          UpdateExpression: `SET ${Object.keys(names)
            .map((name) => `${name} = :lock`)
            .join(', ')}, expiresAt = :expiresAt`,
          ConditionExpression: condition.areLocksFree(Object.keys(names)),
          ExpressionAttributeNames: names,
          ExpressionAttributeValues: {
            ':lock': `${until.toISOString()} ${runId}`,
            ':now': now.toISOString(),
            ':runId': runId,
            // Later than any lock of the bucket.
            ':expiresAt': expiresAt(until),
          },
        }),
      ),
    );
  };

  const remove = (group: Group, runId: RunId): Promise<boolean> => {
    const names = namesOf(group);
    return unlessConditionFails(
      client.send(
        new UpdateCommand({
          TableName: table,
          Key: group.itemKey,
          UpdateExpression: `REMOVE ${Object.keys(names).join(', ')}`,
          ConditionExpression: condition.areLocksOurs(Object.keys(names)),
          ExpressionAttributeNames: names,
          ExpressionAttributeValues: { ':runId': runId },
        }),
      ),
    );
  };

  /** All locks of these instances, whether they hold or not. */
  const read = async (groups: readonly Group[]): Promise<HeldLock[]> => {
    const items = await getAll(
      { client, table },
      groups.map(({ itemKey }) => itemKey),
    );
    const byBucket = new Map(items.map((item) => [item['pk'], item]));
    return groups.flatMap(({ itemKey, instances }) =>
      instances.flatMap((instanceId) => {
        const lock = byBucket.get(itemKey.pk)?.[`${PREFIX}${instanceId}`];
        if (lock === undefined) return [];
        return [readLock(instanceId, lock)];
      }),
    );
  };

  const giveBack = async (group: Group, runId: RunId): Promise<void> => {
    for (let left: Group = group; left.instances.length > 0; ) {
      if (await remove(left, runId)) return;
      // Some are not ours, or not there any more.
      const ours = (await read([left])).filter((lock) => lock.runId === runId);
      left = { ...left, instances: ours.map(({ instanceId }) => instanceId) };
    }
  };

  /** @returns whether all are taken; otherwise none is */
  const takeAll = async (groups: readonly Group[], runId: RunId, until: Date, now: Date) => {
    const taken: Group[] = [];
    for (const group of groups) {
      if (!(await take(group, runId, until, now))) {
        await Promise.all(taken.map((one) => giveBack(one, runId)));
        return false;
      }
      taken.push(group);
    }
    return true;
  };

  return {
    async lockInstances(locking, until, now) {
      const groups = groupsOf(locking);
      for (let tries = 0; tries < MAX_TRIES; tries += 1) {
        if (await takeAll(groups, locking.runId, until, now)) return [];
        const held = (await read(groups)).filter(
          ({ runId, until: heldUntil }) => runId !== locking.runId && heldUntil > now,
        );
        if (held.length > 0) return held;
      }
      throw new FleetReflexError(
        'guard.busy',
        `The locks of the instances of ${locking.runId} changed too often to be taken. It is tried again.`,
        { disposition: 'retry' },
      );
    },

    async heldLocks(provider, region) {
      const buckets = Array.from({ length: BUCKETS }, (_, bucket) => key.locks(provider, region, bucket));
      return (await getAll({ client, table }, buckets)).flatMap((item) =>
        Object.entries(item).flatMap(([name, lock]) =>
          name.startsWith(PREFIX) ? [readLock(name.slice(PREFIX.length), lock)] : [],
        ),
      );
    },

    async unlockInstances(locking) {
      await Promise.all(groupsOf(locking).map((group) => giveBack(group, locking.runId)));
    },
  };
}

function readLock(instanceId: string, lock: unknown): HeldLock {
  const [until = '', runId] = String(lock).split(' ');
  return { instanceId, runId: RunId.parse(runId), until: new Date(until) };
}

/** In the order in which all take them. */
function groupsOf({ provider, region, instances }: Locking): Group[] {
  const buckets = Map.groupBy([...new Set(instances)].toSorted(), bucketOf);
  return [...buckets]
    .toSorted(([a], [b]) => a - b)
    .flatMap(([bucket, ids]) => {
      const itemKey = key.locks(provider, region, bucket);
      return inChunks(ids, MAX_IN_UPDATE).map((some) => ({ itemKey, instances: some }));
    });
}

function bucketOf(instanceId: string): number {
  return createHash('sha256').update(instanceId).digest().readUInt32BE() % BUCKETS;
}

function namesOf({ instances }: Group): Record<string, string> {
  return Object.fromEntries(
    instances.map((instanceId, index) => [`#lock${index}`, `${PREFIX}${instanceId}`]),
  );
}
