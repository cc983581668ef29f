/** The `runs` queue: run requests become invocations. */
import { DispatchConfig, readConfig } from '../lib/config.ts';
import { fleetParts } from '../lib/parts/fleet.ts';
import { queueHandler } from '../lib/queues/consume.ts';
import { carryOut } from '../lib/runs/carry-out.ts';

const config = readConfig(DispatchConfig);
const parts = fleetParts('dispatch', config);

export const handler = queueHandler({
  ...parts,
  queueUrl: config.RUNS_QUEUE_URL,
  deadLetterUrl: config.RUNS_DLQ_URL,
  handle: (record) => carryOut(record, parts),
});
