/**
 * The hourly counts on the table of the runs: an item for each rule, an attribute for each run in the window. While
 * there is room, a count is one conditional update, which is correct under concurrency. Only a full item is read, and the
 * first caller removes the entries that are older than an hour.
 */
import { type DynamoDBDocumentClient, GetCommand, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { FleetReflexError } from '../errors.ts';
import {
  type Begun,
  type Counted,
  HOUR_MS,
  type HourlyCounts,
  type HourlyLimits,
  whyNoRoom,
} from '../model/hourly-count.ts';
import type { RunId } from '../model/run-request.ts';
import { condition, expiresAt, key } from './table.ts';
import { type Sleep, together } from './together.ts';
import { unlessConditionFails } from './unless-condition-fails.ts';

const Entry = z.tuple([z.number(), z.number()]);
const Stored = z.looseObject({ revision: z.number() });

const PREFIX = 'run:';
/** Of the id's 26 letters: 65 bits tell the runs of an hour apart, and what a write costs goes by the item's length. */
const ID_LENGTH = 13;

/** Each try that fails has seen another succeed. */
const MAX_TRIES = 50;

/** What begins within this time in one process is counted together. */
const GATHER_MS = 5;
const MAX_TOGETHER = 25;

interface Asked {
  rule: string;
  runId: RunId;
  instances: number;
  limits: HourlyLimits;
  now: Date;
}

const NAMES = { '#runs': 'runs', '#instances': 'instances', '#revision': 'revision' };

export function dynamoHourlyCounts({
  client,
  table,
  sleep,
}: {
  client: DynamoDBDocumentClient;
  table: string;
  sleep?: Sleep | undefined;
}): HourlyCounts {
  const read = async (rule: string): Promise<Record<string, unknown> | undefined> => {
    const Key = key.hourly(rule);
    return (await client.send(new GetCommand({ TableName: table, Key, ConsistentRead: true }))).Item;
  };
  const update = (
    rule: string,
    names: Record<string, string>,
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
          ExpressionAttributeNames: { ...NAMES, ...names },
          ExpressionAttributeValues: input,
        }),
      ),
    );

  /** Counts all of them or none: those of one rule that begin at about the same time are one write. */
  const countAll = async (rule: string, runs: readonly Asked[], limits: HourlyLimits): Promise<boolean> => {
    const instances = runs.reduce((total, run) => total + run.instances, 0);
    const [at] = runs.map(({ now }) => now);
    if (at === undefined || runs.length > limits.runs) return false;
    if (whyNoRoom([], instances, limits) !== undefined) return false;
    const entries = runs.map((run, index) => ({ name: `#run${index}`, value: `:entry${index}`, ...run }));
    return await update(
      rule,
      Object.fromEntries(entries.map(({ name, runId }) => [name, attributeOf(runId)])),
      {
        ...Object.fromEntries(entries.map(({ value, now, instances: n }) => [value, [now.getTime(), n]])),
        ':expiresAt': expiresAt(at, 1),
        ':count': runs.length,
        ':one': 1,
        ':instances': instances,
        // Before the write there is room for all of them.
        ':runs': limits.runs - runs.length + 1,
        ':room': (limits.instances ?? Number.MAX_SAFE_INTEGER) - instances,
      },
      `SET ${entries.map(({ name, value }) => `${name} = ${value}`).join(', ')}, expiresAt = :expiresAt ADD #runs :count, #instances :instances, #revision :one`,
      condition.hasHourlyRoom(entries.map(({ name }) => name)),
    );
  };

  const countOne = async ({ rule, runId, instances, limits, now }: Asked): Promise<Counted> => {
    const alone = whyNoRoom([], instances, limits);
    if (alone !== undefined) return alone;
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const hasRoom = await countAll(rule, [{ rule, runId, instances, limits, now }], limits);
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
  };

  /** In order if they do not all fit: the first ones are counted. */
  const countTogether = async (runs: readonly Asked[]): Promise<Counted[]> => {
    const [first] = runs;
    if (first === undefined) return [];
    const unique = [...new Map(runs.map((run) => [run.runId, run])).values()];
    if (unique.length > 1 && (await countAll(first.rule, unique, first.limits))) {
      return runs.map(() => ({ isWithin: true }));
    }
    const counted: Counted[] = [];
    for (const run of runs) counted.push(await countOne(run));
    return counted;
  };

  const count = together(
    async (all: readonly Asked[]) => {
      const groups = Map.groupBy(all, ({ rule, limits }) =>
        JSON.stringify([rule, limits.runs, limits.instances]),
      );
      const answerOf = new Map<Asked, Counted | undefined>();
      await Promise.all(
        [...groups.values()].map(async (runs) => {
          const answers = await countTogether(runs);
          runs.forEach((run, index) => {
            answerOf.set(run, answers[index]);
          });
        }),
      );
      return all.flatMap((run) => answerOf.get(run) ?? []);
    },
    { max: MAX_TOGETHER, gatherMs: GATHER_MS, sleep },
  );

  return {
    async countRun(run, limits, now) {
      return await count({ ...run, limits, now });
    },

    async uncountRun(rule, runId) {
      const begun = begunIn((await read(rule)) ?? {}).get(attributeOf(runId));
      if (begun === undefined) return;
      await update(
        rule,
        { '#run': attributeOf(runId) },
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
