/** The `events` queue: events as messages. */
import { QueueConfig, readConfig } from '../lib/config.ts';
import { queueHandler } from '../lib/queues/consume.ts';
import { receiveMessage } from '../lib/sources/event-message.ts';
import { doorParts } from '../lib/wiring/door.ts';

const config = readConfig(QueueConfig);
const parts = doorParts('queue', config);

export const handler = queueHandler({
  ...parts,
  queueUrl: config.EVENTS_QUEUE_URL,
  deadLetterUrl: config.EVENTS_DLQ_URL,
  handle: (record) => receiveMessage(record, parts),
});
