/** The poller: each minute and on wake-up. */
import { PollerConfig, readConfig } from '../lib/config.ts';
import { fleetParts } from '../lib/parts/fleet.ts';
import { pollerHandler } from '../lib/runs/poller.ts';

const parts = fleetParts('poller', readConfig(PollerConfig));

export const handler = pollerHandler({ ...parts, eachMinute: async () => {} });
