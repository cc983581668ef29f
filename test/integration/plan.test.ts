/** `fleet-reflex plan`: what a rule would run, read from the local clouds; nothing runs. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Local, startLocal } from '../contract/alibaba-local.ts';
import { type LocalTat, startTat } from '../contract/local-tencent-server.ts';
import { anAlert } from './local-stack-client.ts';

const ENTRY = new URL('../../bin/fleet-reflex.ts', import.meta.url).pathname;

let tat: LocalTat;
let local: Local;
beforeAll(async () => {
  [tat, local] = await Promise.all([startTat(), startLocal()]);
});

async function plan(args: readonly string[]) {
  const folder = await mkdtemp(join(tmpdir(), 'plan-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const rules = join(folder, 'rules.yml');
  await writeFile(join(folder, 'alertmanager.json'), anAlert('High5xx'));
  await writeFile(
    rules,
    `version: 1
providers: { tencent: { region: ap-guangzhou }, alibaba: { region: cn-hangzhou } }
rules:
  - name: restart
    on: slack
    byName: true
    allow: { users: [U1, U2] }
    when: event.data.options.text != 'nothing'
    approval: { users: [U1, U2], expires: 10m }
    run:
      provider: tencent
      command: cmd-echo0001
      instances: [ins-local001, ins-local002, ins-local003]
      parameters: { text: '\${event.data.options.text}' }
      waves: { sizes: [1, 2] }
    guards: { maxInFlight: 1 }
  - name: on-alert
    on: alertmanager
    run:
      provider: alibaba
      command: c-echo0001
      instances: [i-local001]
      parameters: { text: { value: '\${event.data.labels.alertname}', secret: true } }
  - { name: missing, on: slack, byName: true, allow: { users: [U1] }, run: { provider: tencent, command: cmd-nothing0, instances: [ins-local001] } }
`,
  );
  const env = {
    PATH: process.env['PATH'] ?? '',
    TENCENT_ENDPOINT: tat.server.url,
    TENCENTCLOUD_SECRET_ID: 'local',
    TENCENTCLOUD_SECRET_KEY: 'local-secret',
    ALIBABA_ENDPOINT: local.server.url,
    ALIBABA_CLOUD_ACCESS_KEY_ID: 'local',
    ALIBABA_CLOUD_ACCESS_KEY_SECRET: 'local-secret',
  };
  const all = [ENTRY, 'plan', ...args.map((arg) => arg.replace('<folder>', folder)), '--rules', rules];
  return await new Promise<{ code: number; out: string; err: string }>((resolve) => {
    execFile(process.execPath, all, { env }, (error, out, err) => {
      resolve({ code: Number(error?.code ?? 0), out, err });
    });
  });
}

describe('fleet-reflex plan', { timeout: 30_000 }, () => {
  test('with options: the script with its values, each wave, guards, and who approves', async () => {
    const { code, out, err } = await plan(['restart', 'text=hello']);
    expect(err).toBe('');
    expect(out).toContain('cmd-echo0001 of tencent in ap-guangzhou');
    expect(out).toContain('Wave 1 on ins-local001\n  Wave 2 on ins-local002, ins-local003\n');
    expect(out).toContain('Parameters: text="hello"');
    expect(out).toContain('1 at a time');
    expect(out).toContain('Approval: by U1 or U2 or a token with the scope approve, within 10m');
    expect(out).toMatch(/\| echo .?hello/);
    expect([code, tat.server.requestCounts['InvokeCommand']]).toEqual([0, undefined]);
  });

  test('with an event, and a secret that is not shown', async () => {
    const { code, out } = await plan(['on-alert', '--event', '<folder>/alertmanager.json']);
    expect(out).toMatch(/\| echo .?•••/);
    expect(out).not.toContain('High5xx');
    expect(code).toBe(0);
  });

  test.each([
    ['what does not fire', ['restart', 'text=nothing'], 'does not fire'],
    ['a value that is refused', ['restart', 'text=a;b'], 'REJECTED  parameters.unsafe'],
    ['a command that is not there', ['missing'], 'there is no such stored command'],
  ])('%s is said, with exit code 1', async (_, args, said) => {
    const { code, out } = await plan(args);
    expect(out).toContain(said);
    expect(code).toBe(1);
  });

  test.each([
    ['no rule', [], 2, 'Which rule?'],
    ['an unknown rule', ['restrat'], 1, 'restart'],
    ['a word that is no option', ['restart', 'hello'], 2, 'key=value'],
  ])('%s is refused', async (_, args, exit, said) => {
    const { code, err } = await plan(args);
    expect(err).toContain(said);
    expect(code).toBe(exit);
  });
});
