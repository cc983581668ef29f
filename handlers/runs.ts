/** The API for people: runs, events, the freeze. */
import { RunsConfig, readConfig } from '../lib/config.ts';
import { accessTokens } from '../lib/http/access-tokens.ts';
import { runsHandler } from '../lib/runs/runs-api.ts';
import { fleetParts } from '../lib/wiring/fleet.ts';

const config = readConfig(RunsConfig);

export const handler = runsHandler({
  ...(await fleetParts('runs', config)),
  tokens: accessTokens(config.RUNS_TOKEN, config),
});
