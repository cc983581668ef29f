/** The `events` queue: events as messages. */
import { QueueConfig, readConfig } from '../lib/config.ts';
import { receiveMessage } from '../lib/door/event-message.ts';
import { doorParts } from '../lib/parts/door.ts';
import { queueHandler } from '../lib/queues/consume.ts';

const config = readConfig(QueueConfig);
const parts = doorParts('queue', config);

export const handler = queueHandler({
  ...parts,
  queueUrl: config.EVENTS_QUEUE_URL,
  deadLetterUrl: config.EVENTS_DLQ_URL,
  handle: (record) => receiveMessage(record, parts),
});
