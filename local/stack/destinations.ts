/**
 * What the rules name as destinations, on this machine: queues and topics in fauxqs, buses, log groups and web hooks at
 * their stand-in. In an account they are their owners' to make; `fleet-reflex destinations` looks for them there.
 */
import { CreateTopicCommand, SNSClient } from '@aws-sdk/client-sns';
import {
  CreateQueueCommand,
  GetQueueUrlCommand,
  QueueDoesNotExist,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { destinationSecretVariable } from '../../lib/config.ts';
import type { DestinationRef } from '../../lib/model/destination-ref.ts';
import { type DestinationServer, startDestinationServer } from '../destinations/server.ts';
import { LOCAL_AWS } from './local-aws.ts';

export interface LocalDestinations {
  port: number;
  sqsUrl: string;
  client: SQSClient;
  destinations: readonly DestinationRef[];
  /** The environment of the functions: the secrets of web hooks are in it. */
  secrets: Readonly<Record<string, string>>;
}

export async function startDestinations(given: LocalDestinations): Promise<DestinationServer> {
  const { port, destinations, secrets } = given;
  await Promise.all([makeQueues(given), makeTopics(given)]);
  return await startDestinationServer({
    port,
    buses: new Set([
      'default',
      ...destinations.flatMap((ref) => ('eventbridge' in ref ? ref.eventbridge : [])),
    ]),
    groups: new Set(destinations.flatMap((ref) => ('log' in ref ? ref.log : []))),
    secretOf: (name) => secrets[destinationSecretVariable(name)]?.split(',')[0],
  });
}

/** Those that serverless.yml does not have. */
async function makeQueues({ client, destinations }: LocalDestinations): Promise<void> {
  const names = new Set(destinations.flatMap((ref) => ('sqs' in ref ? ref.sqs : [])));
  await Promise.all(
    [...names].map(async (QueueName) => {
      try {
        await client.send(new GetQueueUrlCommand({ QueueName }));
      } catch (thrown) {
        if (!(thrown instanceof QueueDoesNotExist)) throw thrown;
        const isFifo = QueueName.endsWith('.fifo');
        await client.send(
          new CreateQueueCommand({ QueueName, ...(isFifo && { Attributes: { FifoQueue: 'true' } }) }),
        );
      }
    }),
  );
}

async function makeTopics({ sqsUrl, destinations }: LocalDestinations): Promise<void> {
  const names = new Set(destinations.flatMap((ref) => ('sns' in ref ? ref.sns : [])));
  const client = new SNSClient({ ...LOCAL_AWS, endpoint: sqsUrl });
  await Promise.all(
    [...names].map(async (Name) => {
      const isFifo = Name.endsWith('.fifo');
      await client.send(
        new CreateTopicCommand({ Name, ...(isFifo && { Attributes: { FifoTopic: 'true' } }) }),
      );
    }),
  );
  client.destroy();
}
