/** The poller: each minute and on wake-up. */
import { wantedSchedules } from '#rules';
import { PollerConfig, readConfig } from '../lib/config.ts';
import { pollerHandler } from '../lib/runs/poller.ts';
import { tendSchedules } from '../lib/schedules/tend.ts';
import { fleetParts } from '../lib/wiring/fleet.ts';

const config = readConfig(PollerConfig);
const parts = await fleetParts('poller', config);
const wanted = wantedSchedules(config.RULES_FILE);

export const handler = pollerHandler({
  ...parts,
  secondsPerMinute: config.POLLER_SECONDS_PER_MINUTE,
  beforePolling: () => tendSchedules({ ...parts, wanted }),
});
