/** The `events` queue: events as messages. */
import { madeWhenCalled } from '../lib/wiring/made-when-called.ts';
import { queueClient } from '../lib/wiring/queue-client.ts';

const client = queueClient();

export const handler = madeWhenCalled(async () => {
  const [{ QueueConfig, readConfig }, { doorParts }, { queueHandler }, { receiveMessage }] =
    await Promise.all([
      import('../lib/config.ts'),
      import('../lib/wiring/door.ts'),
      import('../lib/queues/consume.ts'),
      import('../lib/sources/event-message.ts'),
    ]);
  const config = readConfig(QueueConfig);
  const parts = doorParts('queue', config, client);
  return queueHandler({
    ...parts,
    queueUrl: config.EVENTS_QUEUE_URL,
    deadLetterUrl: config.EVENTS_DLQ_URL,
    handle: (record) => receiveMessage(record, parts),
  });
});
