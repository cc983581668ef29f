/**
 * What stands behind the functions in `world.ts`, in a process of its own, so that neither slows the other's event loop:
 * queues, table and both clouds, each behind a counting proxy. Run by its parent: backend.ts <fleet file>
 */
import { fileURLToPath } from 'node:url';
import { startCloudAssistantServer } from '../local/alibaba/server.ts';
import { createFleetEngine } from '../local/fleet/engine.ts';
import { loadFleet } from '../local/fleet/fleet-file.ts';
import { startQueues } from '../local/stack/queues.ts';
import { readDeployment } from '../local/stack/serverless-file.ts';
import { startTables } from '../local/stack/table.ts';
import { startTatServer } from '../local/tencent/server.ts';
import { type Counted, Order, PARTS, type Ready, TABLES } from './backend-messages.ts';
import { startCountingProxy } from './counting-proxy.ts';

const deployment = readDeployment(fileURLToPath(new URL('../serverless.yml', import.meta.url)));
const queues = await startQueues(0, deployment);
const table = await startTables(0, TABLES, deployment);
const engine = createFleetEngine(loadFleet(process.argv[2] ?? ''));
const tat = await startTatServer({ engine });
const assistant = await startCloudAssistantServer({ engine });
const proxies = {
  table: await startCountingProxy('table', table.url),
  queues: await startCountingProxy('queues', queues.url),
  tencent: await startCountingProxy('cloud', tat.url),
  alibaba: await startCountingProxy('cloud', assistant.url),
};

process.on('message', (message) => {
  const { id, latencies } = Order.parse(message);
  for (const part of PARTS) proxies[part].latencyMs = latencies?.[part] ?? proxies[part].latencyMs;
  tell({
    id,
    counts: {
      table: proxies.table.counts(),
      queues: proxies.queues.counts(),
      tencent: proxies.tencent.counts(),
      alibaba: proxies.alibaba.counts(),
    },
  });
});
process.on('disconnect', () => {
  void stop();
});
tell({
  direct: { queues: queues.url, tencent: tat.url },
  proxied: {
    table: proxies.table.url,
    queues: proxies.queues.url,
    tencent: proxies.tencent.url,
    alibaba: proxies.alibaba.url,
  },
  queueUrls: Object.fromEntries(queues.urls),
});

function tell(message: Ready | Counted): void {
  process.send?.(message);
}

async function stop(): Promise<void> {
  for (const part of PARTS) await proxies[part].stop();
  await tat.stop();
  await assistant.stop();
  await engine.stop();
  await table.stop();
  await queues.stop();
  process.exit();
}
