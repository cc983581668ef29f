/** The `runs` queue: run requests become invocations. */
import { awsClients } from '../lib/wiring/clients.ts';
import { madeWhenCalled } from '../lib/wiring/made-when-called.ts';

const clients = awsClients();

export const handler = madeWhenCalled(async () => {
  const [{ DispatchConfig, readConfig }, { fleetParts }, { queueHandler }, { carryOut }] = await Promise.all([
    import('../lib/config.ts'),
    import('../lib/wiring/fleet.ts'),
    import('../lib/queues/consume.ts'),
    import('../lib/runs/carry-out.ts'),
  ]);
  const config = readConfig(DispatchConfig);
  const parts = await fleetParts('dispatch', config, clients);
  return queueHandler({
    ...parts,
    queueUrl: config.RUNS_QUEUE_URL,
    deadLetterUrl: config.RUNS_DLQ_URL,
    handle: (record) =>
      carryOut(record, {
        ...parts,
        schedule: async (request) => {
          const { schedule } = await import('../lib/schedules/schedule.ts');
          return await schedule(request, parts);
        },
      }),
  });
});
