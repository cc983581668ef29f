/** A cloud that has lost the record of what it took: the run ends as `unknown`, and says so. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { alibabaProvider } from '../../lib/providers/alibaba/provider.ts';
import { tencentProvider } from '../../lib/providers/tencent/provider.ts';
import { dispatchRun } from '../../lib/runs/dispatch.ts';
import { poll } from '../../lib/runs/poll.ts';
import { startCloudAssistantServer } from '../../local/alibaba/server.ts';
import { createFleetEngine } from '../../local/fleet/engine.ts';
import { parseFleet } from '../../local/fleet/fleet-file.ts';
import { startTatServer } from '../../local/tencent/server.ts';
import { aRunWorld } from '../fixtures/run-world.ts';
import { startRunsTable } from '../fixtures/runs-table.ts';

const FLEET = `
version: 1
instances: [{ id: ins-local001 }, { id: i-local001 }]
commands:
  - { id: cmd-sleep001, name: sleep, content: 'sleep {{seconds}}', enableParameter: true }
  - { id: c-sleep001, name: sleep, content: 'sleep {{seconds}}', enableParameter: true }
`;
const MINUTE_MS = 60_000;

let runs: Awaited<ReturnType<typeof startRunsTable>>;
beforeAll(async () => {
  runs = await startRunsTable();
});
afterAll(() => runs.stop());

const CLOUDS = [
  {
    name: 'tencent',
    region: 'ap-guangzhou',
    command: 'cmd-sleep001',
    instance: 'ins-local001',
    async start(engine: ReturnType<typeof createFleetEngine>) {
      const server = await startTatServer({ engine });
      const credentials = { secretId: 'local', secretKey: 'local-secret' };
      return { server, provider: tencentProvider({ credentials, endpoint: server.url }) };
    },
  },
  {
    name: 'alibaba',
    region: 'cn-hangzhou',
    command: 'c-sleep001',
    instance: 'i-local001',
    async start(engine: ReturnType<typeof createFleetEngine>) {
      const server = await startCloudAssistantServer({ engine });
      const credentials = { accessKeyId: 'local', accessKeySecret: 'local-secret' };
      return { server, provider: alibabaProvider({ credentials, endpoint: server.url }) };
    },
  },
];

it.each(CLOUDS)(
  'a run whose record is gone at $name ends as unknown, with its id',
  { timeout: 60_000 },
  async (cloud) => {
    const engine = createFleetEngine(parseFleet(FLEET));
    const { server, provider } = await cloud.start(engine);
    try {
      const world = aRunWorld(runs);
      const context = { ...world.context, providers: { ...world.context.providers, [cloud.name]: provider } };
      const request = world.request({
        provider: cloud.name,
        region: cloud.region,
        command: cloud.command,
        instances: [cloud.instance],
        parameters: { seconds: '30' },
        timeoutSeconds: 3_600,
      });
      await dispatchRun(request, context);
      const [invocation] = (await world.run(request.runId)).invocations;
      server.forget(invocation?.invocationId ?? '');
      world.advance(2 * MINUTE_MS);
      await poll(context);
      expect(await world.run(request.runId)).toMatchObject({
        status: 'pending',
        missingSince: expect.any(String),
      });
      world.advance(5 * MINUTE_MS);
      await poll(context);
      const run = await world.run(request.runId);
      expect(run.status).toBe('unknown');
      expect(run.reason).toMatchObject({
        code: 'provider.record-gone',
        message: expect.stringContaining(`${cloud.name} took ${invocation?.invocationId}, and since`),
      });
      expect(run.tasks.map(({ status, started, error }) => [status, started, error?.code])).toEqual([
        ['lost', 'maybe', 'provider.record-gone'],
      ]);
      expect(world.told(request.runId).at(-1)).toBe('unknown');
    } finally {
      await provider.close();
      await server.stop();
      await engine.stop();
    }
  },
);

describe('a record that is not listed', () => {
  it('for a while ends nothing, and costs nothing while the run is new', async () => {
    const world = aRunWorld(runs);
    const request = world.request({ timeoutSeconds: 3_600 });
    await world.dispatch(request);
    const sent = await world.run(request.runId);
    const [id = ''] = sent.invocations.map(({ invocationId }) => invocationId ?? '');
    world.cloud.forgets(id);
    world.advance(3_000);
    await world.poll();
    expect((await world.run(request.runId)).revision).toBe(sent.revision);
    world.advance(4 * MINUTE_MS);
    await world.poll();
    expect((await world.run(request.runId)).missingSince).toBeDefined();
    world.cloud.forgets();
    await world.poll();
    world.advance(10 * MINUTE_MS);
    await world.poll();
    const seen = await world.run(request.runId);
    expect([seen.status, seen.missingSince]).toEqual(['pending', undefined]);
  });

  it('while another of the run still runs, waits for that', async () => {
    const world = aRunWorld(runs, { perInvocation: 1 });
    const request = world.request({ timeoutSeconds: 36_000 });
    await world.dispatch(request);
    const ids = (await world.run(request.runId)).invocations.map(({ invocationId }) => invocationId ?? '');
    world.cloud.forgets(ids[0] ?? '');
    world.cloud.tasksAre('running');
    world.advance(20 * MINUTE_MS);
    await world.poll();
    expect((await world.run(request.runId)).status).toBe('running');
    world.cloud.tasksAre('succeeded', 'ins-2');
    await world.poll();
    world.advance(6 * MINUTE_MS);
    await world.poll();
    const run = await world.run(request.runId);
    expect(run.status).toBe('unknown');
    expect(run.tasks.map(({ instanceId, status }) => [instanceId, status]).toSorted()).toEqual([
      ['ins-1', 'lost'],
      ['ins-2', 'succeeded'],
    ]);
  });
});
