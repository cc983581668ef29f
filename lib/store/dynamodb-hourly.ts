/**
 * The hourly counts on the table of the runs: an item for each rule, an attribute for each run in the window. While
 * there is room a count is one conditional update, which is right however many ask at once. Only when the item is full
 * is it read, and what is older than an hour is left out by whoever is first.
 */
import { type DynamoDBDocumentClient, GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { FleetReflexError } from '../errors.ts';
import { type Begun, HOUR_MS, type HourlyCounts, whyNoRoom } from '../model/hourly-count.ts';
import { unlessConditionFails } from './dynamodb-run-store.ts';
import { condition, expiresAt, key } from './table.ts';

const Entry = z.tuple([z.number(), z.number()]);
const Stored = z.looseObject({ revision: z.number() });

const PREFIX = 'run:';
/** Of the id's 26 letters: 65 bits tell the runs of an hour apart, and what a write costs goes by the item's length. */
const ID_LENGTH = 13;

/** Each try that fails has seen another succeed. */
const MAX_TRIES = 50;

const NAMES = { '#runs': 'runs', '#instances': 'instances', '#revision': 'revision' };

export function dynamoHourlyCounts({
  client,
  table,
}: {
  client: DynamoDBDocumentClient;
  table: string;
}): HourlyCounts {
  const read = async (rule: string): Promise<Record<string, unknown> | undefined> => {
    const Key = key.hourly(rule);
    return (await client.send(new GetCommand({ TableName: table, Key, ConsistentRead: true }))).Item;
  };
  const update = (
    rule: string,
    runId: string,
    input: Record<string, unknown>,
    expression: string,
    when: string,
  ) =>
    unlessConditionFails(
      client.send(
        new UpdateCommand({
          TableName: table,
          Key: key.hourly(rule),
          UpdateExpression: expression,
          ConditionExpression: when,
          ExpressionAttributeNames: { ...NAMES, '#run': attributeOf(runId) },
          ExpressionAttributeValues: input,
        }),
      ),
    );

  return {
    async countRun({ rule, runId, instances }, limits, now) {
      const alone = whyNoRoom([], instances, limits);
      if (alone !== undefined) return alone;
      const entry = [now.getTime(), instances];
      for (let tries = 0; tries < MAX_TRIES; tries += 1) {
        const hasRoom = await update(
          rule,
          runId,
          {
            ':entry': entry,
            ':expiresAt': expiresAt(now, 1),
            ':one': 1,
            ':instances': instances,
            ':runs': limits.runs,
            ':room': (limits.instances ?? Number.MAX_SAFE_INTEGER) - instances,
          },
          'SET #run = :entry, expiresAt = :expiresAt ADD #runs :one, #instances :instances, #revision :one',
          condition.hasHourlyRoom,
        );
        if (hasRoom) return { isWithin: true };
        const item = await read(rule);
        if (item === undefined) continue;
        if (item[attributeOf(runId)] !== undefined) return { isWithin: true };
        const begun = begunIn(item);
        const live = new Map([...begun].filter(([, { at }]) => at > now.getTime() - HOUR_MS));
        const noRoom = whyNoRoom([...live.values()], instances, limits);
        if (noRoom !== undefined) return noRoom;
        // Somebody gave one back since; there was nothing to leave out.
        if (live.size === begun.size) continue;
        live.set(attributeOf(runId), { at: now.getTime(), instances });
        const { revision } = Stored.parse(item);
        const isOurs = await unlessConditionFails(
          client.send(
            new PutCommand({
              TableName: table,
              Item: {
                ...key.hourly(rule),
                ...itemOf(live),
                revision: revision + 1,
                expiresAt: expiresAt(now, 1),
              },
              ConditionExpression: condition.isRevision,
              ExpressionAttributeValues: { ':expected': revision },
            }),
          ),
        );
        if (isOurs) return { isWithin: true };
      }
      throw new FleetReflexError(
        'guard.busy',
        `The hourly count of the rule ${rule} changed too often to be written. It is tried again.`,
        { disposition: 'retry' },
      );
    },

    async uncountRun(rule, runId) {
      const begun = begunIn((await read(rule)) ?? {}).get(attributeOf(runId));
      if (begun === undefined) return;
      await update(
        rule,
        runId,
        { ':less': -1, ':fewer': -begun.instances, ':one': 1 },
        'REMOVE #run ADD #runs :less, #instances :fewer, #revision :one',
        condition.isCounted,
      );
    },
  };
}

function attributeOf(runId: string): string {
  return `${PREFIX}${runId.slice('run-'.length, 'run-'.length + ID_LENGTH)}`;
}

function begunIn(item: Readonly<Record<string, unknown>>): Map<string, Begun> {
  const entries = Object.entries(item).filter(([name]) => name.startsWith(PREFIX));
  return new Map(
    entries.map(([name, value]) => {
      const [at, instances] = Entry.parse(value);
      return [name, { at, instances }];
    }),
  );
}

function itemOf(live: ReadonlyMap<string, Begun>): Record<string, unknown> {
  const entries = [...live].map(([name, { at, instances }]) => [name, [at, instances]] as const);
  const instances = [...live.values()].reduce((total, it) => total + it.instances, 0);
  return { ...Object.fromEntries(entries), runs: live.size, instances };
}
