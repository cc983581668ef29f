/** The API for people: runs, events, the freeze. */
import { awsClients } from '../lib/wiring/clients.ts';
import { madeWhenCalled } from '../lib/wiring/made-when-called.ts';

const clients = awsClients();

export const handler = madeWhenCalled(async () => {
  const [{ fileWindows }, { RunsConfig, readConfig }, { accessTokens }, { fleetParts }, { runsHandler }] =
    await Promise.all([
      import('#rules'),
      import('../lib/config.ts'),
      import('../lib/http/access-tokens.ts'),
      import('../lib/wiring/fleet.ts'),
      import('../lib/runs/runs-api.ts'),
    ]);
  const config = readConfig(RunsConfig);
  const tokens = accessTokens(config.RUNS_TOKEN, config);
  const windows = fileWindows(config.RULES_FILE);
  return runsHandler({ ...(await fleetParts('runs', config, clients)), tokens, windows });
});
