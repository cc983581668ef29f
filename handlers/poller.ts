/** The poller: each minute and on wake-up. */
import { wantedSchedules } from '#rules';
import { PollerConfig, readConfig } from '../lib/config.ts';
import { awsClients } from '../lib/wiring/clients.ts';
import { madeWhenCalled } from '../lib/wiring/made-when-called.ts';

const config = readConfig(PollerConfig);
const clients = awsClients();
const wanted = wantedSchedules(config.RULES_FILE);

export const handler = madeWhenCalled(async () => {
  const [{ fleetParts }, { pollerHandler }, { tendSchedules }] = await Promise.all([
    import('../lib/wiring/fleet.ts'),
    import('../lib/runs/poller.ts'),
    import('../lib/schedules/tend.ts'),
  ]);
  const parts = await fleetParts('poller', config, clients);
  return pollerHandler({
    ...parts,
    secondsPerMinute: config.POLLER_SECONDS_PER_MINUTE,
    beforePolling: () => tendSchedules({ ...parts, wanted }),
  });
});
