/** `/runs`: list, show, cancel. */
import { RunsConfig, readConfig } from '../lib/config.ts';
import { runsHandler } from '../lib/door/runs-api.ts';
import { fleetParts } from '../lib/parts/fleet.ts';
import { readLive } from '../lib/secrets.ts';

const config = readConfig(RunsConfig);

export const handler = runsHandler({
  ...fleetParts('runs', config),
  tokens: () => readLive(config.RUNS_TOKEN, config),
});
