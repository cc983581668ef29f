/** The `deliveries` queue: completion events go to destinations other than SQS queues. */
import { madeWhenCalled } from '../lib/wiring/made-when-called.ts';
import { queueClient } from '../lib/wiring/queue-client.ts';

const client = queueClient();

export const handler = madeWhenCalled(async () => {
  const [{ DeliverConfig, readConfig }, { deliverParts }, { queueHandler }, { deliverer }] =
    await Promise.all([
      import('../lib/config.ts'),
      import('../lib/wiring/deliver.ts'),
      import('../lib/queues/consume.ts'),
      import('../lib/completions/deliver.ts'),
    ]);
  const config = readConfig(DeliverConfig);
  const parts = deliverParts('deliver', config, client);
  return queueHandler({
    ...parts,
    queueUrl: config.DELIVERIES_QUEUE_URL,
    deadLetterUrl: config.DELIVERIES_DLQ_URL,
    handle: deliverer(parts),
  });
});
