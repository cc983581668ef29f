/** The poller: each minute and on wake-up. */
import { awsClients } from '../lib/wiring/clients.ts';
import { madeWhenCalled } from '../lib/wiring/made-when-called.ts';

const clients = awsClients();

export const handler = madeWhenCalled(async () => {
  const [
    { wantedSchedules },
    { PollerConfig, readConfig },
    { archiveOf },
    { fleetParts },
    { pollerHandler },
    { tendSchedules },
  ] = await Promise.all([
    import('#rules'),
    import('../lib/config.ts'),
    import('../lib/wiring/archive.ts'),
    import('../lib/wiring/fleet.ts'),
    import('../lib/runs/poller.ts'),
    import('../lib/schedules/tend.ts'),
  ]);
  const config = readConfig(PollerConfig);
  const wanted = wantedSchedules(config.RULES_FILE);
  const parts = await fleetParts('poller', config, clients);
  return pollerHandler({
    ...parts,
    archive: archiveOf(config, clients.documents, parts),
    secondsPerMinute: config.POLLER_SECONDS_PER_MINUTE,
    noteRules: () => parts.noteRules(wanted.digest),
    beforePolling: () => tendSchedules({ ...parts, wanted }),
  });
});
