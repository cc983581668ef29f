/** The dependencies of the function that sends to destinations: each kind is loaded with the first event for it. */
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { Sender } from '../completions/destination.ts';
import { type DeliverConfig, environment } from '../config.ts';
import { embeddedMetrics } from '../metrics.ts';
import type { DestinationRef } from '../model/destination-ref.ts';
import { destinationSecrets } from '../secrets.ts';
import { logOf } from './log.ts';

export function deliverParts(service: string, config: DeliverConfig, client: SQSClient) {
  const now = () => new Date();
  return {
    client,
    senderOf: (ref: DestinationRef) => senderOf(ref, config, client),
    log: logOf(service, config),
    metrics: embeddedMetrics(config.STAGE),
    now,
  };
}

async function senderOf(ref: DestinationRef, config: DeliverConfig, client: SQSClient): Promise<Sender> {
  const now = () => new Date();
  if ('sqs' in ref) {
    const { sqsSender } = await import('../completions/sqs-destination.ts');
    return sqsSender(client, ref, config.QUEUE_PREFIX);
  }
  if ('sns' in ref) {
    const [{ SNSClient }, { snsSender }] = await Promise.all([
      import('@aws-sdk/client-sns'),
      import('../completions/sns-destination.ts'),
    ]);
    return snsSender(new SNSClient({}), ref, config.TOPIC_ARN_PREFIX);
  }
  if ('eventbridge' in ref) {
    const [{ EventBridgeClient }, { eventBridgeSender }] = await Promise.all([
      import('@aws-sdk/client-eventbridge'),
      import('../completions/eventbridge-destination.ts'),
    ]);
    return eventBridgeSender(new EventBridgeClient({}), ref);
  }
  if ('log' in ref) {
    const [{ CloudWatchLogsClient }, { logSender }] = await Promise.all([
      import('@aws-sdk/client-cloudwatch-logs'),
      import('../completions/log-destination.ts'),
    ]);
    return logSender(new CloudWatchLogsClient({}), ref, { stage: config.STAGE, now });
  }
  const { webhookSender } = await import('../completions/webhook-destination.ts');
  return webhookSender(ref, {
    secrets: destinationSecrets(config, environment),
    now,
    allowLoopback: config.REPLIES_MAY_GO_TO_LOOPBACK === 'true',
  });
}
