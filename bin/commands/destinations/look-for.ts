/** Looks for one destination in the account, by calls that read. */
import { CloudWatchLogsClient, DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  DescribeEventBusCommand,
  EventBridgeClient,
  ResourceNotFoundException,
} from '@aws-sdk/client-eventbridge';
import { paginateListTopics, SNSClient } from '@aws-sdk/client-sns';
import { GetQueueUrlCommand, QueueDoesNotExist, SQSClient } from '@aws-sdk/client-sqs';
import type { DestinationRef } from '../../../lib/model/destination-ref.ts';
import { nameInAccount } from '../../../lib/queues/names.ts';

export interface Looks {
  sqs: SQSClient;
  sns: SNSClient;
  events: EventBridgeClient;
  logs: CloudWatchLogsClient;
}

/** @param options of every client: an endpoint, in tests */
export function accountLooks(options: { endpoint?: string; region?: string } = {}): Looks {
  return {
    sqs: new SQSClient(options),
    sns: new SNSClient(options),
    events: new EventBridgeClient(options),
    logs: new CloudWatchLogsClient(options),
  };
}

export type Found = 'there' | 'not there: create it, or correct `destinations` in the rules' | 'not asked';

/** @param queuePrefix what the names of the deployment's own queues begin with */
export async function lookFor(ref: DestinationRef, looks: Looks, queuePrefix = ''): Promise<Found> {
  if ('webhook' in ref) return 'not asked';
  const is = await isThere(ref, looks, queuePrefix);
  return is ? 'there' : 'not there: create it, or correct `destinations` in the rules';
}

async function isThere(
  ref: Exclude<DestinationRef, { webhook: string }>,
  looks: Looks,
  queuePrefix: string,
): Promise<boolean> {
  if ('sqs' in ref) {
    const QueueName = nameInAccount(ref.sqs, queuePrefix);
    return await unless(QueueDoesNotExist, looks.sqs.send(new GetQueueUrlCommand({ QueueName })));
  }
  if ('sns' in ref) {
    // Its ARN has the account, which nobody has told us.
    for await (const { Topics = [] } of paginateListTopics({ client: looks.sns }, {})) {
      if (Topics.some(({ TopicArn = '' }) => TopicArn.endsWith(`:${ref.sns}`))) return true;
    }
    return false;
  }
  if ('eventbridge' in ref) {
    const asked = looks.events.send(new DescribeEventBusCommand({ Name: ref.eventbridge }));
    return await unless(ResourceNotFoundException, asked);
  }
  // The group itself is the first of those that begin with its name.
  const { logGroups = [] } = await looks.logs.send(
    new DescribeLogGroupsCommand({ logGroupNamePrefix: ref.log }),
  );
  return logGroups.some(({ logGroupName }) => logGroupName === ref.log);
}

async function unless(missing: new (...given: never[]) => Error, asked: Promise<object>): Promise<boolean> {
  try {
    await asked;
    return true;
  } catch (thrown) {
    if (thrown instanceof missing) return false;
    throw thrown;
  }
}
