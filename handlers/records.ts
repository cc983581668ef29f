/** The `records` queue: what was decided about events is kept. */
import { RecordsConfig, readConfig } from '../lib/config.ts';
import { queueHandler } from '../lib/queues/consume.ts';
import { keepRecord } from '../lib/runs/keep-record.ts';
import { recordsParts } from '../lib/wiring/records.ts';

const config = readConfig(RecordsConfig);
const parts = recordsParts('records', config);

export const handler = queueHandler({
  ...parts,
  queueUrl: config.RECORDS_QUEUE_URL,
  deadLetterUrl: config.RECORDS_DLQ_URL,
  handle: (record) => keepRecord(record, parts),
});
