/** Which content each run was first asked for with, on the table. Keys are in lib/store/table.ts. */
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import type { Contents } from './contents.ts';
import { condition, expiresAt, key } from './table.ts';

/** A chat waits three seconds for its answer, and a webhook ten. */
const WITHIN_MS = 1_500;

export function dynamoContents({
  client,
  table,
}: {
  client: DynamoDBDocumentClient;
  table: string;
}): Contents {
  return {
    async claim(runId, hash, now) {
      try {
        await client.send(
          new PutCommand({
            TableName: table,
            Item: { ...key.content(runId), hash, expiresAt: expiresAt(now) },
            ConditionExpression: condition.isContentOurs,
            ExpressionAttributeNames: { '#hash': 'hash' },
            ExpressionAttributeValues: { ':hash': hash },
          }),
          { abortSignal: AbortSignal.timeout(WITHIN_MS) },
        );
        return 'ours';
      } catch (thrown) {
        if (thrown instanceof ConditionalCheckFailedException) return 'taken';
        throw thrown;
      }
    },
  };
}
