/** The client's actions that no room calls by itself, against the local TAT: they are there for tools. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  describeCommands,
  previewReplacedCommandContent,
} from '../../lib/providers/tencent/actions/commands.ts';
import { invokeCommand } from '../../lib/providers/tencent/actions/invocations.ts';
import { createTencentClient } from '../../lib/providers/tencent/client.ts';
import type { VendorClient } from '../../lib/providers/vendor-client.ts';
import { createFleetEngine, type FleetEngine } from '../../local/fleet/engine.ts';
import { parseFleet } from '../../local/fleet/fleet-file.ts';
import { startTatServer, type TatServer } from '../../local/tencent/server.ts';

const REGION = 'ap-guangzhou';
let engine: FleetEngine;
let server: TatServer;
let client: VendorClient;

beforeAll(async () => {
  engine = createFleetEngine(
    parseFleet(`
version: 1
instances: [{ id: ins-local001 }]
commands: [{ id: cmd-echo0001, name: echo, content: 'echo {{text}}', enableParameter: true }]
`),
  );
  server = await startTatServer({ engine, requestsPerSecond: 'unlimited' });
  client = createTencentClient({
    credentials: { secretId: 'local', secretKey: 'local-secret' },
    endpoint: server.url,
  });
});
afterAll(async () => {
  await client.close();
  await server.stop();
  await engine.stop();
});

test('DescribeCommands shows what is stored', async () => {
  const outcome = await client.call(describeCommands, REGION, { CommandIds: ['cmd-echo0001'] });
  expect(outcome).toMatchObject({
    kind: 'answered',
    answer: { TotalCount: 1, CommandSet: [{ CommandId: 'cmd-echo0001', CommandName: 'echo' }] },
  });
});

test('PreviewReplacedCommandContent fills in the parameters and runs nothing', async () => {
  const outcome = await client.call(previewReplacedCommandContent, REGION, {
    CommandId: 'cmd-echo0001',
    Parameters: JSON.stringify({ text: 'hello' }),
  });
  expect(outcome).toMatchObject({
    kind: 'answered',
    answer: { ReplacedContent: Buffer.from('echo hello').toString('base64') },
  });
  expect(server.requestCounts['InvokeCommand'] ?? 0).toBe(0);
});

test('a request outside the documented limits never leaves', async () => {
  const before = { ...client.requestCounts };
  const outcome = await client.call(invokeCommand, REGION, {
    CommandId: 'cmd-echo0001',
    InstanceIds: Array.from({ length: 201 }, (_, index) => `ins-${index}`),
  });
  expect(outcome).toMatchObject({ kind: 'notSent', failure: { code: 'InvalidRequest' } });
  expect(client.requestCounts).toEqual(before);
});
