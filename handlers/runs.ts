/** The API for people: runs, events, the freeze. */
import { RunsConfig, readConfig } from '../lib/config.ts';
import { accessTokens } from '../lib/http/access-tokens.ts';
import { awsClients } from '../lib/wiring/clients.ts';
import { madeWhenCalled } from '../lib/wiring/made-when-called.ts';

const config = readConfig(RunsConfig);
const clients = awsClients();
const tokens = accessTokens(config.RUNS_TOKEN, config);

export const handler = madeWhenCalled(async () => {
  const [{ fleetParts }, { runsHandler }] = await Promise.all([
    import('../lib/wiring/fleet.ts'),
    import('../lib/runs/runs-api.ts'),
  ]);
  return runsHandler({ ...(await fleetParts('runs', config, clients)), tokens });
});
