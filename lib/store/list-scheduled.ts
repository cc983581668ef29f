/** The runs that wait for their time, however long ago they were asked for: the days' index ends with the retention. */
import { type DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { isAwaitingSchedule, type Run } from '../model/run.ts';
import { RunId } from '../model/run-request.ts';
import { INDEX } from './table.ts';

export interface ListScheduled {
  client: DynamoDBDocumentClient;
  table: string;
  /** Those that can be read. */
  getMany: (runIds: readonly RunId[]) => Promise<Run[]>;
  limit: number;
  rule?: string | undefined;
}

/** So many runs are read together. */
const BATCH = 50;

/** Soonest first. */
export async function listScheduled({ client, table, getMany, limit, rule }: ListScheduled): Promise<Run[]> {
  const scheduled: Run[] = [];
  let from: Record<string, unknown> | undefined;
  do {
    // By when they are looked at, and that is when their time has come.
    const page = await client.send(
      new QueryCommand({
        TableName: table,
        IndexName: INDEX.due,
        KeyConditionExpression: 'duePk = :due',
        FilterExpression: rule === undefined ? 'isLive = :yes' : 'isLive = :yes AND #rule = :rule',
        ...(rule !== undefined && { ExpressionAttributeNames: { '#rule': 'rule' } }),
        ExpressionAttributeValues: {
          ':due': 'DUE',
          ':yes': true,
          ...(rule !== undefined && { ':rule': rule }),
        },
        Limit: BATCH,
        ...(from && { ExclusiveStartKey: from }),
      }),
    );
    const runs = await getMany((page.Items ?? []).map(({ runId }) => RunId.parse(runId)));
    const bySoonest = runs.toSorted((a, b) => ((a.pollAt ?? '') < (b.pollAt ?? '') ? -1 : 1));
    scheduled.push(...bySoonest.filter(isAwaitingSchedule));
    from = page.LastEvaluatedKey;
  } while (from && scheduled.length < limit);
  return scheduled.slice(0, limit);
}
