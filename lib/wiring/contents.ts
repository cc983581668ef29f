/** What events said whose ids their senders chose. The table is opened with the first of them: other events need none. */
import type { BaseConfig } from '../config.ts';
import type { Contents } from '../store/contents.ts';

export function contentsOf({ RUNS_TABLE }: Pick<BaseConfig, 'RUNS_TABLE'>): Contents {
  let opened: Promise<Contents> | undefined;
  const open = async (): Promise<Contents> => {
    const [{ DynamoDBClient }, { DynamoDBDocumentClient }, { dynamoContents }] = await Promise.all([
      import('@aws-sdk/client-dynamodb'),
      import('@aws-sdk/lib-dynamodb'),
      import('../store/dynamodb-contents.ts'),
    ]);
    const client = DynamoDBDocumentClient.from(new DynamoDBClient({}));
    return dynamoContents({ client, table: RUNS_TABLE });
  };
  return {
    async claim(runId, hash, now) {
      opened ??= open();
      return await (await opened).claim(runId, hash, now);
    },
  };
}
