/** The fleet file while the stack runs: an instance is there, or gone, soon after it was written. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFleetEngine, type FleetEngine } from '../../../../local/fleet/engine.ts';
import { loadFleet } from '../../../../local/fleet/fleet-file.ts';
import { followFleetFile } from '../../../../local/fleet/follow-file.ts';
import { until } from '../../../contract/alibaba-local.ts';

type Outcome = Parameters<Parameters<typeof followFleetFile>[2]>[0];

let folder = '';
let file = '';
let engine: FleetEngine;
let unfollow: () => void;
let outcomes: Outcome[] = [];

const write = (...instances: string[]) =>
  writeFileSync(file, `version: 1\ninstances: [${instances.map((id) => `{ id: ${id} }`).join(', ')}]\n`);
const ids = () => [...engine.instances.keys()].join(' ');

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fleet-file-'));
  file = join(folder, 'fleet.yml');
  write('ins-local001');
  engine = createFleetEngine(loadFleet(file));
  outcomes = [];
  unfollow = followFleetFile(file, engine, (outcome) => outcomes.push(outcome));
});
afterEach(async () => {
  unfollow();
  await engine.stop();
  rmSync(folder, { recursive: true });
});

test('an instance that is written is there and runs commands; one that is taken out is gone', async () => {
  write('ins-local001', 'ins-local002');
  await until(
    async () => ids(),
    (found) => found === 'ins-local001 ins-local002',
  );
  expect(await engine.check({ instanceId: 'ins-local002' })).toBe('');
  write('ins-local002');
  await until(
    async () => ids(),
    (found) => found === 'ins-local002',
  );
  expect(outcomes).toEqual([{ instances: 2 }, { instances: 1 }]);
});

test('a broken file changes nothing, and says why', async () => {
  writeFileSync(file, 'version: 1\ninstances: [{ id: web-1 }]\n');
  await until(
    async () => outcomes.length,
    (count) => count > 0,
  );
  expect(outcomes).toEqual([{ problem: expect.stringContaining('instances.0.id: expected') }]);
  expect(ids()).toBe('ins-local001');
});
