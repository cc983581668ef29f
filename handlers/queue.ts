/** The `events` queue: events as messages. */
import { QueueConfig, readConfig } from '../lib/config.ts';
import { doorParts } from '../lib/wiring/door.ts';
import { madeWhenCalled } from '../lib/wiring/made-when-called.ts';

const config = readConfig(QueueConfig);
const parts = doorParts('queue', config);

export const handler = madeWhenCalled(async () => {
  const [{ queueHandler }, { receiveMessage }] = await Promise.all([
    import('../lib/queues/consume.ts'),
    import('../lib/sources/event-message.ts'),
  ]);
  return queueHandler({
    ...parts,
    queueUrl: config.EVENTS_QUEUE_URL,
    deadLetterUrl: config.EVENTS_DLQ_URL,
    handle: (record) => receiveMessage(record, parts),
  });
});
