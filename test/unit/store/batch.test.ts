/** Batches of items: what DynamoDB leaves over is asked for again, and nothing is lost or written twice for long. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import * as z from 'zod';
import { type Batches, getAll, putAll } from '../../../lib/store/batch.ts';
import { LOCAL_AWS } from '../../../local/stack/local-aws.ts';
import { startRunsTable } from '../../fixtures/runs-table.ts';

const table = await startRunsTable();
afterAll(() => table.stop());

const anItem = (index: number, text = 'x') => ({ pk: `BATCH#${index}`, sk: 'ITEM', text });
const items = (count: number, text?: string) =>
  Array.from({ length: count }, (_, index) => anItem(index, text));
const byKey = (found: Record<string, unknown>[]) =>
  found.toSorted((a, b) => Number(String(a['pk']).slice(6)) - Number(String(b['pk']).slice(6)));

/** The table, which takes and gives only so many of each request. */
function throttled(most: () => number): Batches & { requests: number[]; waits: number[] } {
  const requests: number[] = [];
  const waits: number[] = [];
  const dynamodb = new DynamoDBClient({ ...LOCAL_AWS, endpoint: table.endpoint });
  onTestFinished(() => dynamodb.destroy());
  dynamodb.middlewareStack.add(
    (next) => async (args) => {
      const taken = most();
      const { RequestItems } = Request.parse(args.input);
      const asked = RequestItems[table.table] ?? [];
      const all = Array.isArray(asked) ? asked : asked.Keys;
      requests.push(all.length);
      const part = (ones: readonly unknown[]) => ({
        [table.table]: Array.isArray(asked) ? ones : { ...asked, Keys: ones },
      });
      const left = all.length <= taken ? {} : part(all.slice(taken));
      const leftOver = Array.isArray(asked) ? { UnprocessedItems: left } : { UnprocessedKeys: left };
      if (taken === 0) return { response: {}, output: { $metadata: {}, ...leftOver } };
      const done = await next({ ...args, input: { ...args.input, RequestItems: part(all.slice(0, taken)) } });
      return { ...done, output: { ...done.output, ...leftOver } };
    },
    { step: 'initialize' },
  );
  const client = DynamoDBDocumentClient.from(dynamodb);
  return { client, table: table.table, requests, waits, sleep: async (ms) => void waits.push(ms) };
}

const Request = z.looseObject({
  RequestItems: z.record(
    z.string(),
    z.union([z.array(z.unknown()), z.looseObject({ Keys: z.array(z.unknown()) })]),
  ),
});

describe('items', () => {
  it('are put 25 and read 100 in a request', async () => {
    const batches = throttled(() => 1_000);
    await putAll(batches, items(60));
    expect(await getAll(batches, items(160))).toHaveLength(60);
    expect(batches.requests).toEqual([25, 25, 10, 100, 60]);
    expect(batches.waits).toEqual([]);
  });

  it('that DynamoDB left over are asked for again, and each is there once', async () => {
    const batches = throttled(() => 7);
    await putAll(batches, items(30, 'again'));
    expect(byKey(await getAll(batches, items(30)))).toEqual(items(30, 'again'));
    expect(batches.requests.toSorted((a, b) => b - a)).toEqual([30, 25, 23, 18, 16, 11, 9, 5, 4, 2]);
    expect(batches.waits).toHaveLength(7);
  });

  it('are waited for longer and longer while none is taken, and then that is an error to retry', async () => {
    const batches = throttled(() => 0);
    await expect(putAll(batches, items(2))).rejects.toMatchObject({
      code: 'store.throttled',
      disposition: 'retry',
    });
    expect(batches.requests).toHaveLength(8);
    await expect(getAll(batches, items(2))).rejects.toMatchObject({ code: 'store.throttled' });
  });

  it('are written to the end when another batch fails', async () => {
    let calls = 0;
    const broken = new Error('the network');
    const batches = throttled(() => {
      calls += 1;
      if (calls === 1) throw broken;
      return 10;
    });
    await expect(putAll(batches, items(50, 'rest'))).rejects.toBe(broken);
    const rest = (await getAll(table, items(50))).filter(({ text }) => text === 'rest');
    expect(rest).toHaveLength(25);
  });

  it('with one key twice are one: the later', async () => {
    await putAll(table, [anItem(1, 'first'), anItem(1, 'second')]);
    expect(await getAll(table, [anItem(1), anItem(1)])).toEqual([anItem(1, 'second')]);
  });

  it('of which there are none cost no request', async () => {
    const batches = throttled(() => 9);
    await putAll(batches, []);
    expect([await getAll(batches, []), batches.requests]).toEqual([[], []]);
  });
});
