/** The `runs` queue: run requests become invocations. */
import { DispatchConfig, readConfig } from '../lib/config.ts';
import { queueHandler } from '../lib/queues/consume.ts';
import { carryOut } from '../lib/runs/carry-out.ts';
import { schedule } from '../lib/schedules/schedule.ts';
import { fleetParts } from '../lib/wiring/fleet.ts';

const config = readConfig(DispatchConfig);
const parts = await fleetParts('dispatch', config);

export const handler = queueHandler({
  ...parts,
  queueUrl: config.RUNS_QUEUE_URL,
  deadLetterUrl: config.RUNS_DLQ_URL,
  handle: (record) => carryOut(record, { ...parts, schedule: (request) => schedule(request, parts) }),
});
