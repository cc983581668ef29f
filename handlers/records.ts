/** The `records` queue: what was decided about events is kept. */
import { awsClients } from '../lib/wiring/clients.ts';
import { madeWhenCalled } from '../lib/wiring/made-when-called.ts';

const clients = awsClients();

export const handler = madeWhenCalled(async () => {
  const [{ RecordsConfig, readConfig }, { recordsParts }, { queueHandler }, { keepRecord }] =
    await Promise.all([
      import('../lib/config.ts'),
      import('../lib/wiring/records.ts'),
      import('../lib/queues/consume.ts'),
      import('../lib/runs/keep-record.ts'),
    ]);
  const config = readConfig(RecordsConfig);
  const parts = recordsParts('records', config, clients);
  return queueHandler({
    ...parts,
    queueUrl: config.RECORDS_QUEUE_URL,
    deadLetterUrl: config.RECORDS_DLQ_URL,
    handle: (record) => keepRecord(record, parts),
  });
});
