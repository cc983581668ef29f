/** What a chat may ask about runs. The table is opened with the first `status`: other events need none. */
import type { ChatPort } from '../chat/port.ts';
import type { BaseConfig } from '../config.ts';

export function chatPort({ RUNS_TABLE }: Pick<BaseConfig, 'RUNS_TABLE'>): ChatPort {
  let opened: Promise<ChatPort> | undefined;
  const open = async (): Promise<ChatPort> => {
    const [{ DynamoDBClient }, { DynamoDBDocumentClient }, { dynamoRunStore }, { runStorePort }] =
      await Promise.all([
        import('@aws-sdk/client-dynamodb'),
        import('@aws-sdk/lib-dynamodb'),
        import('../store/dynamodb-run-store.ts'),
        import('../chat/run-store-port.ts'),
      ]);
    const client = DynamoDBDocumentClient.from(new DynamoDBClient({}));
    return runStorePort(dynamoRunStore({ client, table: RUNS_TABLE }));
  };
  const port = () => {
    opened ??= open();
    return opened;
  };
  return {
    status: async (runId) => (await port()).status(runId),
    recent: async (rules, limit) => (await port()).recent(rules, limit),
  };
}
