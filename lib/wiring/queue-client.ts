/** The client of the queues, in a file of its own: a door needs no table, and so imports none. */
import { SQSClient } from '@aws-sdk/client-sqs';

export function queueClient(): SQSClient {
  return new SQSClient({});
}
