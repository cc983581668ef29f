/** What a chat may ask about. The tables are opened with the first question: other events need none. */
import type { ChatPort } from '../chat/port.ts';
import type { DoorConfig } from '../config.ts';

export function chatPort({
  RUNS_TABLE: table,
  RECORDS_TABLE: recordsTable,
}: Pick<DoorConfig, 'RUNS_TABLE' | 'RECORDS_TABLE'>): ChatPort {
  let opened: Promise<ChatPort> | undefined;
  const open = async (): Promise<ChatPort> => {
    const [aws, { DynamoDBDocumentClient }, runs, eventLog, guardStore, { storePort }] = await Promise.all([
      import('@aws-sdk/client-dynamodb'),
      import('@aws-sdk/lib-dynamodb'),
      import('../store/dynamodb-run-store.ts'),
      import('../store/dynamodb-event-log.ts'),
      import('../store/dynamodb-guard-store.ts'),
      import('../chat/store-port.ts'),
    ]);
    const client = DynamoDBDocumentClient.from(new aws.DynamoDBClient({}));
    return storePort({
      store: runs.dynamoRunStore({ client, table }),
      events: eventLog.dynamoEventLog({ client, table, recordsTable }),
      guards: guardStore.dynamoGuardStore({ client, table }),
    });
  };
  const port = () => {
    opened ??= open();
    return opened;
  };
  return {
    status: async (runId) => (await port()).status(runId),
    toJudge: async (runId) => (await port()).toJudge(runId),
    toResume: async (runId) => (await port()).toResume(runId),
    recent: async (rules, limit) => (await port()).recent(rules, limit),
    events: async (limit) => (await port()).events(limit),
    frozenBecause: async (now) => (await port()).frozenBecause(now),
  };
}
