/** The real parts of the function that keeps records: a queue and a table, and nothing that could run a command. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { RecordsConfig } from '../config.ts';
import { dynamoEventLog } from '../store/dynamodb-event-log.ts';
import { logOf } from './log.ts';

export function recordsParts(service: string, config: RecordsConfig) {
  const client = DynamoDBDocumentClient.from(new DynamoDBClient({}), {
    marshallOptions: { removeUndefinedValues: true },
  });
  return {
    client: new SQSClient({}),
    events: dynamoEventLog({ client, recordsTable: config.RECORDS_TABLE }),
    log: logOf(service, config),
  };
}
