/** SQS in this process, on loopback only, with the queues of the deployment. */
import { CreateQueueCommand, GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { buildApp } from 'fauxqs';
import { guardAgainstPages } from '../server/page-guard.ts';
import { AWS_JSON_DOOR } from './doors.ts';
import { LOCAL_AWS } from './local-aws.ts';
import { portOf } from './ports.ts';
import type { Deployment } from './serverless-file.ts';

export interface LocalQueues {
  url: string;
  client: SQSClient;
  /** Queue URLs by their logical ids. */
  urls: ReadonlyMap<string, string>;
  stop(): Promise<void>;
}

export async function startQueues(
  port: number,
  { queues }: Pick<Deployment, 'queues'>,
): Promise<LocalQueues> {
  const app = buildApp({ logger: false });
  // It calls itself sqs.<region>.localhost in queue URLs, a name that not every resolver knows.
  app.addHook('onSend', async (request, _reply, payload: unknown) => {
    const names = /\.(CreateQueue|GetQueueUrl|ListQueues|ListDeadLetterSourceQueues)$/;
    if (typeof payload !== 'string' || !names.test(String(request.headers['x-amz-target']))) return payload;
    return payload.replaceAll(/http:\/\/sqs\.[\w-]+\.localhost(:\d+)?/g, `http://${request.headers.host}`);
  });
  guardAgainstPages(app.server, AWS_JSON_DOOR);
  await app.listen({ port, host: '127.0.0.1' });
  const url = `http://127.0.0.1:${portOf(app.server)}`;
  const client = new SQSClient({ ...LOCAL_AWS, endpoint: url });
  const urls = new Map<string, string>();
  // Dead-letter queues first: the others name them.
  for (const isSource of [false, true]) {
    for (const [name, queue] of queues) {
      if ((queue.RedrivePolicy !== undefined) !== isSource) continue;
      urls.set(name, await create(client, queue, urls));
    }
  }
  return {
    url,
    client,
    urls,
    async stop() {
      client.destroy();
      app.server.closeAllConnections();
      await app.close();
    },
  };
}

type Queue = Deployment['queues'] extends ReadonlyMap<string, infer Value> ? Value : never;

async function create(client: SQSClient, queue: Queue, urls: ReadonlyMap<string, string>): Promise<string> {
  const { QueueName, VisibilityTimeout, MessageRetentionPeriod, RedrivePolicy } = queue;
  const Attributes: Record<string, string> = {};
  if (VisibilityTimeout !== undefined) Attributes['VisibilityTimeout'] = String(VisibilityTimeout);
  if (MessageRetentionPeriod !== undefined)
    Attributes['MessageRetentionPeriod'] = String(MessageRetentionPeriod);
  if (RedrivePolicy !== undefined) {
    const deadLetters = urls.get(RedrivePolicy.deadLetterTargetArn['Fn::GetAtt'][0]);
    const { Attributes: found } = await client.send(
      new GetQueueAttributesCommand({ QueueUrl: deadLetters, AttributeNames: ['QueueArn'] }),
    );
    Attributes['RedrivePolicy'] = JSON.stringify({
      deadLetterTargetArn: found?.QueueArn,
      maxReceiveCount: RedrivePolicy.maxReceiveCount,
    });
  }
  const { QueueUrl } = await client.send(new CreateQueueCommand({ QueueName, Attributes }));
  if (QueueUrl === undefined) throw new Error(`the local SQS made no queue ${QueueName}`);
  return QueueUrl;
}
