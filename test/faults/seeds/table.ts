/**
 * The table in memory, behind the SDK's own document client: a request is one step, whole or not at all. The index of
 * live runs shows a write later, and those of two runs in any order, as DynamoDB's may.
 */
import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  ProvisionedThroughputExceededException,
} from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { INDEX } from '../../../lib/store/table.ts';
import { LOCAL_AWS } from '../../../local/stack/local-aws.ts';
import { holds, type Item, type Placeholders, updated } from './expressions.ts';
import { type Fault, kindOf } from './faults.ts';
import type { Process } from './process.ts';
import type { Simulation } from './simulation.ts';

export const TABLE = 'runs';

export interface Table {
  /** What a process has of the table. */
  clientOf(process: Process): DynamoDBDocumentClient;
  /** Without faults: for what looks from outside, and for old code that writes. */
  client: DynamoDBDocumentClient;
  /** Every item, as it is. */
  items(): Item[];
  /** Runs that somebody has still to look at. */
  liveRuns(): number;
}

const Fields = z.record(z.string(), z.unknown());
const Key = z.looseObject({ pk: z.string(), sk: z.string() });
const Request = z.looseObject({
  Key: Key.optional(),
  Item: Key.optional(),
  ConditionExpression: z.string().optional(),
  UpdateExpression: z.string().optional(),
  KeyConditionExpression: z.string().optional(),
  IndexName: z.enum([INDEX.due]).optional(),
  ExpressionAttributeNames: z.record(z.string(), z.string()).optional(),
  ExpressionAttributeValues: Fields.optional(),
  RequestItems: z.record(z.string(), z.unknown()).optional(),
});
type Request = z.infer<typeof Request>;
const Puts = z.array(z.looseObject({ PutRequest: z.looseObject({ Item: Key }) }));
const Gets = z.looseObject({ Keys: z.array(Key) });

/** How many items a page of a query has: few, so that there is a second one. */
const PAGE = 20;

export function startTable(sim: Simulation, indexLagMs: number): Table {
  const items = new Map<string, Item>();
  const shown = new Map<string, Item>();
  const shownFrom = new Map<string, number>();
  const live = new Set<string>();

  const nameOf = ({ pk, sk }: { pk: string; sk: string }): string => JSON.stringify([pk, sk]);
  const put = (key: { pk: string; sk: string }, item: Item | undefined): void => {
    const name = nameOf(key);
    const stored = item === undefined ? undefined : withoutUndefined(item);
    if (stored === undefined) items.delete(name);
    else items.set(name, stored);
    if (stored?.['duePk'] === undefined) live.delete(name);
    else live.add(name);
    if (stored?.['duePk'] === undefined && !shownFrom.has(name)) return;
    // A later write of one item is never shown before an earlier one.
    const atMs = Math.max(shownFrom.get(name) ?? 0, sim.now() + sim.random() * indexLagMs);
    shownFrom.set(name, atMs);
    const show = (): void => {
      if (stored?.['duePk'] === undefined) shown.delete(name);
      else shown.set(name, stored);
    };
    if (indexLagMs === 0) show();
    else sim.schedule(atMs, show);
  };

  const query = (request: Request): object => {
    const { IndexName, KeyConditionExpression = '' } = request;
    const sortKey = IndexName === undefined ? 'sk' : 'dueSk';
    const from = Fields.optional().parse(request['ExclusiveStartKey']);
    const all = [...(IndexName === undefined ? items : shown).values()]
      .filter((item) => holds(KeyConditionExpression, item, placeholdersOf(request)))
      .toSorted((a, b) => (String(a[sortKey]) < String(b[sortKey]) ? -1 : 1));
    const left =
      from === undefined ? all : all.filter((item) => String(item[sortKey]) > String(from[sortKey]));
    const page = left.slice(0, PAGE);
    const last = left.length > PAGE ? page.at(-1) : undefined;
    return {
      Items: structuredClone(page),
      ...(last && { LastEvaluatedKey: { pk: last['pk'], sk: last['sk'], [sortKey]: last[sortKey] } }),
    };
  };

  const answer = (command: string, request: Request): object => {
    const key = request.Key ?? request.Item ?? { pk: '', sk: '' };
    const known = items.get(nameOf(key));
    const { ConditionExpression: condition } = request;
    if (condition !== undefined && !holds(condition, known ?? {}, placeholdersOf(request))) {
      throw new ConditionalCheckFailedException({ message: 'The conditional request failed', $metadata: {} });
    }
    switch (command) {
      case 'GetItemCommand':
        return { Item: structuredClone(known) };
      case 'PutItemCommand':
        put(key, request.Item);
        return {};
      case 'DeleteItemCommand':
        put(key, undefined);
        return {};
      case 'UpdateItemCommand': {
        const before = known ?? { pk: key.pk, sk: key.sk };
        const next = updated(request.UpdateExpression ?? '', before, placeholdersOf(request));
        put(key, next);
        return { Attributes: structuredClone(next) };
      }
      case 'BatchGetItemCommand': {
        const { Keys } = Gets.parse(request.RequestItems?.[TABLE]);
        return {
          Responses: { [TABLE]: Keys.flatMap((one) => structuredClone(items.get(nameOf(one))) ?? []) },
        };
      }
      case 'BatchWriteItemCommand':
        for (const { PutRequest } of Puts.parse(request.RequestItems?.[TABLE]))
          put(PutRequest.Item, PutRequest.Item);
        return {};
      case 'QueryCommand':
        return query(request);
      case 'ScanCommand':
        return { Items: structuredClone([...items.values()]) };
      default:
        throw new Error(`the table of the model has no ${command}`);
    }
  };

  const clientOf = (ask: (command: string, request: Request) => Promise<object>): DynamoDBDocumentClient => {
    const client = new DynamoDBClient({ ...LOCAL_AWS });
    client.middlewareStack.add(
      (_next, context) => async (args) => {
        const output = await ask(String(context['commandName']), Request.parse(args.input));
        return { output: { $metadata: {}, ...output }, response: {} };
      },
      { step: 'initialize', priority: 'high' },
    );
    return DynamoDBDocumentClient.from(client);
  };
  return {
    client: clientOf(async (command, request) => answer(command, request)),
    clientOf: (process) =>
      clientOf((command, request) =>
        process.ask('table', `${command.replace('Command', '')} ${labelOf(request)}`, async (fault) =>
          withFault(fault, request, (one = request) => answer(command, one)),
        ),
      ),
    items: () => [...items.values()],
    liveRuns: () => live.size,
  };
}

function withFault(fault: Fault | undefined, request: Request, answer: (other?: Request) => object): object {
  switch (kindOf(fault)) {
    case 'lostBefore':
      throw timeout();
    case 'lostAfter':
      answer();
      throw timeout();
    case 'repeated':
      answer();
      return answer();
    case 'throttled':
      throw new ProvisionedThroughputExceededException({ message: 'too fast', $metadata: {} });
    case 'half': {
      const puts = Puts.safeParse(request.RequestItems?.[TABLE]);
      if (!puts.success) return answer();
      const half = Math.floor(puts.data.length / 2);
      if (half > 0) answer({ ...request, RequestItems: { [TABLE]: puts.data.slice(0, half) } });
      return { UnprocessedItems: { [TABLE]: puts.data.slice(half) } };
    }
    default:
      return answer();
  }
}

function timeout(): Error {
  const error = new Error('the answer of the table is lost');
  error.name = 'TimeoutError';
  return error;
}

function placeholdersOf(
  request: Pick<Request, 'ExpressionAttributeNames' | 'ExpressionAttributeValues'>,
): Placeholders {
  return { names: request.ExpressionAttributeNames, values: request.ExpressionAttributeValues };
}

function labelOf({ Key: key, Item: item, IndexName, RequestItems }: Request): string {
  return (key ?? item)?.pk ?? IndexName ?? (RequestItems === undefined ? '' : 'some');
}

/** Fields that are undefined are not stored. */
function withoutUndefined(item: Item): Item {
  const clean = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(clean);
    if (value instanceof Uint8Array) return new Uint8Array(value);
    if (value instanceof Set) return new Set(value);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).flatMap(([name, one]) => (one === undefined ? [] : [[name, clean(one)]])),
    );
  };
  return Fields.parse(clean(item));
}
