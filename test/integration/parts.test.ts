/** The real parts, as the functions make them from their environment. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { DispatchConfig, type Environment, readConfig } from '../../lib/config.ts';
import { FleetReflexError } from '../../lib/errors.ts';
import { providerOf } from '../../lib/providers/provider.ts';
import { packRules } from '../../lib/rules/pack-rules.ts';
import { SOURCES } from '../../lib/sources/registry.ts';
import * as packaged from '../../lib/wiring/packaged-rules.ts';
import { closeProviders, providersOf } from '../../lib/wiring/providers.ts';
import { rulesOf, wantedSchedules } from '../../lib/wiring/rules-file.ts';
import { startCloudAssistantServer } from '../../local/alibaba/server.ts';
import { createFleetEngine } from '../../local/fleet/engine.ts';
import { parseFleet } from '../../local/fleet/fleet-file.ts';
import { startTatServer } from '../../local/tencent/server.ts';
import { startSecretStores } from '../fixtures/secret-stores.ts';

const stores = await startSecretStores();
const engine = createFleetEngine(
  parseFleet('version: 1\ninstances: [{ id: ins-local001 }, { id: i-local001 }]\ncommands: []\n'),
);
const tat = await startTatServer({ engine });
const cloudAssistant = await startCloudAssistantServer({ engine });

beforeAll(() => {
  for (const [name, value] of Object.entries(stores.environment)) vi.stubEnv(name, value);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await tat.stop();
  await cloudAssistant.stop();
  await engine.stop();
  await stores.stop();
});

const CLOUDS = {
  tencent: { region: 'ap-guangzhou', instance: 'ins-local001' },
  alibaba: { region: 'cn-hangzhou', instance: 'i-local001' },
} as const;

/** Whether a cloud answers to what the environment holds: its instance, or why not. */
async function answerOf(cloud: keyof typeof CLOUDS, env: Environment) {
  const config = readConfig(DispatchConfig, {
    RUNS_TABLE: 'runs',
    RECORDS_TABLE: 'records',
    RUNS_QUEUE_URL: 'http://127.0.0.1/runs',
    RUNS_DLQ_URL: 'http://127.0.0.1/runs-dlq',
    WAKE_UP_QUEUE_URL: 'http://127.0.0.1/wake-up',
    DELIVERIES_QUEUE_URL: 'http://127.0.0.1/deliveries',
    TENCENT_ENDPOINT: tat.url,
    ALIBABA_ENDPOINT: cloudAssistant.url,
    ...env,
  });
  const providers = await providersOf(config);
  const { region, instance } = CLOUDS[cloud];
  try {
    return await providerOf(providers, cloud).availability(region, [instance]);
  } finally {
    await closeProviders(providers);
  }
}

const available = (instanceId: string) => [{ instanceId, isAvailable: true }];

describe('a cloud is asked with the credentials', () => {
  it.each<[string, keyof typeof CLOUDS, Record<string, string>]>([
    [
      'that the environment holds: tencent',
      'tencent',
      { TENCENTCLOUD_SECRET_ID: 'local', TENCENTCLOUD_SECRET_KEY: 'local-secret' },
    ],
    [
      'that the environment holds: alibaba',
      'alibaba',
      { ALIBABA_CLOUD_ACCESS_KEY_ID: 'local', ALIBABA_CLOUD_ACCESS_KEY_SECRET: 'local-secret' },
    ],
    [
      'that a secret holds: tencent',
      'tencent',
      { TENCENT_CREDENTIALS: 'secretsmanager:tencent', TENCENTCLOUD_SECRET_ID: 'not this' },
    ],
    ['that a parameter holds: alibaba', 'alibaba', { ALIBABA_CREDENTIALS: 'ssm:/alibaba' }],
  ])('%s', async (_, cloud, env) => {
    stores.secrets.set('tencent', '{"secretId":"local","secretKey":"local-secret"}');
    stores.parameters.set('/alibaba', '{"accessKeyId":"local","accessKeySecret":"local-secret"}');
    expect(await answerOf(cloud, env)).toEqual(available(CLOUDS[cloud].instance));
  });
});

describe('what is wrong with the credentials is said, and not what they are', () => {
  stores.secrets.set('text', 'hunter2');
  stores.secrets.set('other', '{"user":"hunter2","password":"hunter2"}');

  const TENCENT = ['TENCENTCLOUD_SECRET_ID', 'TENCENTCLOUD_SECRET_KEY'];
  const ALIBABA = ['ALIBABA_CLOUD_ACCESS_KEY_ID', 'ALIBABA_CLOUD_ACCESS_KEY_SECRET'];
  it.each<[string, keyof typeof CLOUDS, Record<string, string>, readonly string[]]>([
    ['none', 'tencent', {}, TENCENT],
    ['half', 'tencent', { TENCENTCLOUD_SECRET_KEY: 'hunter2' }, TENCENT],
    ['none', 'alibaba', {}, ALIBABA],
    [
      'no JSON',
      'tencent',
      { TENCENT_CREDENTIALS: 'secretsmanager:text' },
      ['secretsmanager:text must hold JSON'],
    ],
    [
      'other JSON',
      'alibaba',
      { ALIBABA_CREDENTIALS: 'secretsmanager:other' },
      ['secretsmanager:other', '{"accessKeyId", "accessKeySecret", "securityToken"?}'],
    ],
    ['no secret', 'alibaba', { ALIBABA_CREDENTIALS: 'ssm:/nothing' }, ['ssm:/nothing']],
  ])('%s: %s', async (_, cloud, env, named) => {
    const thrown = await answerOf(cloud, env).catch((error: unknown) => error);
    if (!(thrown instanceof FleetReflexError)) throw new Error('it was answered');
    expect([thrown.code, thrown.details['code']]).toEqual(['provider.maybeDone', 'NoCredentials']);
    expect(named.filter((name) => !thrown.message.includes(name))).toEqual([]);
    expect(JSON.stringify([thrown.message, thrown.details])).not.toContain('hunter2');
  });
});

describe('the rules', () => {
  const rules = rulesOf({ RULES_FILE: 'rules.yml' });

  it('are those of RULES_FILE', async () => {
    expect((await rules()).rules.length).toBeGreaterThan(0);
  });

  it('of a packaged function are the ones that were packaged, and so are the schedules', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'packaged-rules-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const RULES_FILE = join(folder, 'rules.json');
    writeFileSync(RULES_FILE, packRules(await rules(), readFileSync('rules.yml', 'utf8'), SOURCES.values()));
    const opened = await packaged.rulesOf({ RULES_FILE })();
    expect(opened.rules.map(({ name }) => name)).toEqual((await rules()).rules.map(({ name }) => name));
    const [wanted, written] = [packaged.wantedSchedules(RULES_FILE), wantedSchedules('rules.yml')];
    expect([wanted.digest, await wanted.load()]).toEqual([written.digest, await written.load()]);
    expect(await packaged.fileWindows(RULES_FILE)()).toEqual((await rules()).windows);
  });

  it('of a packaged function that are not there stop it, and those of another version are not taken', async () => {
    expect(() => packaged.rulesOf({ RULES_FILE: 'no-such-file.json' })).toThrow(
      expect.objectContaining({ code: 'ENOENT', path: 'no-such-file.json' }),
    );
    await expect(packaged.rulesOf({ RULES_FILE: 'rules.yml' })()).rejects.toMatchObject({
      code: 'rules.unreadable',
    });
    await expect(packaged.rulesOf({ RULES_FILE: 'package.json' })()).rejects.toMatchObject({
      code: 'rules.unreadable',
    });
  });

  it('that are not there stop the function', () => {
    expect(() => rulesOf({ RULES_FILE: 'no-such-file.yml' })).toThrow(
      expect.objectContaining({ code: 'ENOENT', path: 'no-such-file.yml' }),
    );
  });
});
