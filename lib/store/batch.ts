/**
 * Many items in one request. DynamoDB may take or give only a part of a batch (its throughput, its 16 MB): the rest is
 * asked for again. A batch has no conditions, so that only what may be written twice, and by anybody, is written so.
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
 */
import { setTimeout as wait } from 'node:timers/promises';
import { BatchGetCommand, BatchWriteCommand, type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { FleetReflexError } from '../errors.ts';
import { backoffMs } from '../providers/backoff.ts';
import type { Sleep } from './together.ts';

export type Item = Record<string, unknown>;
export type ItemKey = Readonly<{ pk: string; sk: string }>;

export interface Batches {
  client: DynamoDBDocumentClient;
  table: string;
  /** Milliseconds. Default: this machine's clock. */
  sleep?: Sleep | undefined;
}

/** What DynamoDB takes, and gives, in one request. */
const MAX_PUT = 25;
const MAX_GOT = 100;
/** Repetitions without any progress; the waits between them are some seconds together. */
const MAX_TRIES = 8;

/**
 * Puts them all; resolves when all are durable. Of two with the same key the later is kept.
 * @throws FleetReflexError `store.throttled` (retry): some may be written
 */
export async function putAll(options: Batches, items: readonly (Item & ItemKey)[]): Promise<void> {
  const unique = [...new Map(items.map((item) => [keyText(item), item])).values()];
  await inBatches(unique, MAX_PUT, options, async (batch) => {
    const { client, table } = options;
    const RequestItems = { [table]: batch.map((item) => ({ PutRequest: { Item: item } })) };
    const { UnprocessedItems } = await client.send(new BatchWriteCommand({ RequestItems }));
    const left = new Set(
      (UnprocessedItems?.[table] ?? []).map(({ PutRequest }) => keyText(PutRequest?.Item)),
    );
    return { got: [], left: batch.filter((item) => left.has(keyText(item))) };
  });
}

/**
 * Reads those that are there, as they are at this moment; in no order.
 * @throws FleetReflexError `store.throttled` (retry)
 */
export async function getAll(options: Batches, keys: readonly ItemKey[]): Promise<Item[]> {
  const unique = [...new Map(keys.map((key) => [keyText(key), key])).values()];
  return await inBatches(unique, MAX_GOT, options, async (batch) => {
    const { client, table } = options;
    const RequestItems = { [table]: { Keys: batch.map(({ pk, sk }) => ({ pk, sk })), ConsistentRead: true } };
    const { Responses, UnprocessedKeys } = await client.send(new BatchGetCommand({ RequestItems }));
    const left = new Set((UnprocessedKeys?.[table]?.Keys ?? []).map(keyText));
    return { got: Responses?.[table] ?? [], left: batch.filter((key) => left.has(keyText(key))) };
  });
}

async function inBatches<One>(
  all: readonly One[],
  size: number,
  { table, sleep = wait }: Batches,
  send: (batch: readonly One[]) => Promise<{ got: Item[]; left: readonly One[] }>,
): Promise<Item[]> {
  const batches = Array.from({ length: Math.ceil(all.length / size) }, (_, index) =>
    all.slice(index * size, (index + 1) * size),
  );
  const whole = async (batch: readonly One[]): Promise<Item[]> => {
    const items: Item[] = [];
    let open = batch;
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const { got, left } = await send(open);
      items.push(...got);
      if (left.length === 0) return items;
      // What made progress is only large; what made none is throttled more and more.
      if (left.length < open.length) tries = 0;
      open = left;
      await sleep(backoffMs(tries, { baseMs: 50, capMs: 2_000 }));
    }
    throw new FleetReflexError(
      'store.throttled',
      `The table ${table} did not take or give ${open.length} of ${batch.length} items of a batch in ${MAX_TRIES} tries. It is tried again; look at its throttled requests if that goes on.`,
      { disposition: 'retry' },
    );
  };
  // Each is waited for, so that nothing is on its way any more when this rejects.
  const settled = await Promise.allSettled(batches.map(whole));
  return settled.flatMap((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}

function keyText(item: Readonly<Item> | undefined): string {
  return JSON.stringify([item?.['pk'], item?.['sk']]);
}
