/** The previous version beside this one: what it put on the runs queue, and how it wrote a run. */
import { GetCommand, PutCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';
import { isTerminalRun } from '../../../lib/model/run.ts';
import type { RunStore } from '../../../lib/store/run-store.ts';
import { EARLIER_DUE, key } from '../../../lib/store/table.ts';
import { TABLE, type Table } from './table.ts';

const Request = z.looseObject({
  version: z.literal(2),
  action: z.literal('run'),
  target: z.record(z.string(), z.unknown()),
});

/** The fields of the target stood beside the others. */
export function earlierMessage(body: string): string {
  const request = Request.safeParse(JSON.parse(body));
  if (!request.success) return body;
  const { target, ...rest } = request.data;
  return JSON.stringify({ ...rest, ...target, version: 1 });
}

const Item = z.looseObject({
  run: z.looseObject({ target: z.record(z.string(), z.unknown()), revision: z.int() }),
  dueSk: z.string(),
});

/** The first live run is written as the previous version would: its own shape, and its own index. */
export async function writeAsEarlier(table: Table, store: RunStore): Promise<void> {
  const { Items = [] } = await table.client.send(new ScanCommand({ TableName: TABLE }));
  for (const { runId } of Items.map((item) => z.looseObject({ runId: z.string().optional() }).parse(item))) {
    const run = runId === undefined ? undefined : await store.get(runId);
    // It knew no waves.
    if (run === undefined || isTerminalRun(run) || run.pollAt === undefined || run.waves !== undefined)
      continue;
    const { Item: stored } = await table.client.send(
      new GetCommand({ TableName: TABLE, Key: key.run(run.runId) }),
    );
    const item = Item.safeParse(stored);
    if (!item.success) continue;
    const { target, ...rest } = item.data.run;
    const revision = rest.revision + 1;
    await table.client.send(
      new PutCommand({
        TableName: TABLE,
        Item: {
          ...item.data,
          revision,
          run: { ...rest, ...target, revision, version: 1 },
          duePk: EARLIER_DUE,
          dueSk: run.pollAt,
        },
      }),
    );
    return;
  }
}
