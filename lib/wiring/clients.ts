/**
 * The clients of AWS that every event needs. Importing a function opens them and nothing else: they take most of a cold
 * start, and Lambda gives the import more CPU than the event.
 */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { queueClient } from './queue-client.ts';

export function awsClients() {
  return {
    client: queueClient(),
    documents: DynamoDBDocumentClient.from(new DynamoDBClient({}), {
      marshallOptions: { removeUndefinedValues: true },
    }),
  };
}
