/** `fleet-reflex rules test --rehearse`: what both clouds say would run, on the local clouds; nothing runs. */
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import * as z from 'zod';
import { createCloudAssistantClient } from '../../lib/providers/alibaba/client.ts';
import { parseFleet } from '../../local/fleet/fleet-file.ts';
import { type Local, startLocal } from '../contract/alibaba-local.ts';
import { models, REGION, vendorSdk } from '../contract/alibaba-sdk.ts';
import { type LocalTat, startTat } from '../contract/local-tencent-server.ts';
import { anAlert } from './local-stack-client.ts';

const ENTRY = new URL('../../bin/fleet-reflex.ts', import.meta.url).pathname;

let tat: LocalTat;
let local: Local;
beforeAll(async () => {
  [tat, local] = await Promise.all([startTat(), startLocal({ deliveryTimeoutMs: 300 })]);
});

const credentials = () => ({
  TENCENT_ENDPOINT: tat.server.url,
  TENCENTCLOUD_SECRET_ID: 'local',
  TENCENTCLOUD_SECRET_KEY: 'local-secret',
  ALIBABA_ENDPOINT: local.server.url,
  ALIBABA_CLOUD_ACCESS_KEY_ID: 'local',
  ALIBABA_CLOUD_ACCESS_KEY_SECRET: 'local-secret',
});

/** @param action one line of YAML: `run: …` or `schedule: …` */
async function rehearse(
  action: string,
  env: Record<string, string> = credentials(),
  more: string[] = [],
  fleets = '{}',
) {
  const folder = await mkdtemp(join(tmpdir(), 'rehearse-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const rules = join(folder, 'rules.yml');
  const event = join(folder, 'alertmanager.json');
  await writeFile(
    rules,
    `version: 1\nproviders: { tencent: { region: ap-guangzhou }, alibaba: { region: cn-hangzhou } }\nfleets: ${fleets}\nrules:\n  - { name: restart, on: alertmanager, ${action} }\n`,
  );
  await writeFile(event, anAlert('High5xx'));
  return await new Promise<{ code: number; out: string; err: string }>((resolve) => {
    const args = [ENTRY, 'rules', 'test', event, '--rules', rules, '--rehearse', ...more];
    const options = { env: { PATH: process.env['PATH'] ?? '', ...env } };
    execFile(process.execPath, args, options, (error, out, err) => {
      resolve({ code: Number(error?.code ?? 0), out, err });
    });
  });
}

/** Files that any command has left on the instances. */
const leftBehind = () =>
  [
    ...['ins-local001', 'ins-local002'].map((id) => tat.engine.directoryOf(id)),
    ...['i-local001', 'i-local002'].map((id) => local.engine.directoryOf(id)),
  ].flatMap((directory) => readdirSync(directory));

const storedAtTat = async (content: string, name: string) => {
  const { CommandId } = await tat.client().CreateCommand({
    CommandName: name,
    Content: Buffer.from(content).toString('base64'),
    EnableParameter: true,
  });
  return CommandId ?? '';
};
const storedAtAlibaba = async (content: string, name: string) => {
  const answer = await vendorSdk(local.server.port).createCommand(
    new models.CreateCommandRequest({
      regionId: REGION,
      name,
      type: 'RunShellScript',
      commandContent: Buffer.from(content).toString('base64'),
      enableParameter: true,
    }),
  );
  return answer.body?.commandId ?? '';
};

const SCRIPT = 'touch ran-{{service}}\necho "{{service}}"';
const run = (provider: string, command: string, instances: string, more = '') =>
  `run: { provider: ${provider}, command: ${command}, instances: [${instances}], parameters: { service: web } ${more} }`;

describe('what would run', { timeout: 30_000 }, () => {
  test('at TAT is the text as TAT fills it in, and whether each agent is there', async () => {
    const command = await storedAtTat(SCRIPT, 'tat-fine');
    const { code, out } = await rehearse(run('tencent', command, 'ins-local001, ins-local002'));
    expect(out).toContain('rehearsal all of it would run; nothing was run');
    expect(out).toContain('          | touch ran-web\n                | echo "web"\n');
    expect(out).toContain('ins-local001: would run\n');
    expect([code, leftBehind(), tat.server.requestCounts['InvokeCommand']]).toEqual([0, [], undefined]);
  });

  test('at Cloud Assistant is what its dry run says, and the stored text with the values in it', async () => {
    const command = await storedAtAlibaba(SCRIPT, 'alibaba-fine');
    const { code, out } = await rehearse(run('alibaba', command, 'i-local001, i-local002'));
    expect(out).toContain('rehearsal all of it would run; nothing was run');
    expect(out).toContain('          | touch ran-web\n                | echo "web"\n');
    expect([code, leftBehind()]).toEqual([0, []]);
    const listed = await vendorSdk(local.server.port).describeInvocations(
      new models.DescribeInvocationsRequest({ regionId: REGION }),
    );
    expect(listed.body?.invocations?.invocation?.map(({ repeatMode }) => repeatMode)).toEqual(['DryRun']);
  });

  test('of what is scheduled is asked too', async () => {
    const command = await storedAtTat(SCRIPT, 'tat-later');
    const { code, out } = await rehearse(
      `schedule: { provider: tencent, command: ${command}, instances: ins-local001, parameters: { service: web }, at: 30m }`,
    );
    expect([code, out.includes('| touch ran-web')]).toEqual([0, true]);
  });

  test.each(['tencent', 'alibaba'])('shows no secret, and gives none away: %s', async (provider) => {
    const stored = provider === 'tencent' ? storedAtTat : storedAtAlibaba;
    const instance = provider === 'tencent' ? 'ins-local001' : 'i-local001';
    const command = await stored('login {{token}}', `${provider}-secret`);
    const action = `run: { provider: ${provider}, command: ${command}, instances: [${instance}], parameters: { token: { value: hunter2hunter2, secret: true } } }`;
    const [lines, json] = await Promise.all([rehearse(action), rehearse(action, credentials(), ['--json'])]);
    expect(lines.out).toContain('| login •••');
    expect(lines.out).toContain('token = •••');
    expect(json.out).toContain('login •••');
    expect(`${lines.out}${lines.err}${json.out}${json.err}`).not.toContain('hunter2');
  });

  test('can be read by programs', async () => {
    const command = await storedAtTat(SCRIPT, 'tat-json');
    const { out } = await rehearse(run('tencent', command, 'ins-local001'), credentials(), ['--json']);
    const [tried] = z
      .array(z.looseObject({ rules: z.array(z.looseObject({ rehearsal: z.unknown() })) }))
      .parse(JSON.parse(out));
    expect(tried?.rules[0]?.rehearsal).toEqual([
      {
        settings: {
          name: 'tat-json',
          type: 'SHELL',
          username: 'root',
          workingDirectory: '/root',
          timeout: '60s',
        },
        content: { text: 'touch ran-web\necho "web"', filledInBy: 'vendor' },
        instances: [{ instanceId: 'ins-local001', wouldRun: true }],
        unchecked: expect.any(String),
      },
    ]);
  });

  test('shows no control character of a stored command to the terminal', async () => {
    const command = await storedAtTat('echo \u001b]0;title\u0007{{service}}', 'tat-escape');
    const { out } = await rehearse(run('tencent', command, 'ins-local001'));
    expect(out).toContain('| echo \\u{1b}]0;title\\u{7}web');
  });
});

describe('what would not run', { timeout: 30_000 }, () => {
  test.each([
    {
      name: 'an agent that is offline, at TAT',
      action: run('tencent', 'cmd-echo0001', 'ins-local001, ins-offline01').replace('service:', 'text:'),
      said: ['ins-local001: would run', 'ins-offline01: would not run: agent offline'],
    },
    {
      name: 'an agent that is offline, at Cloud Assistant',
      action: run('alibaba', 'c-echo0001', 'i-local001, i-offline01').replace('service:', 'text:'),
      said: ['i-local001: would run', 'i-offline01: would not run: Aborted: DeliveryTimeout'],
    },
    {
      name: 'a command that does not exist, at TAT',
      action: run('tencent', 'cmd-nothere1', 'ins-local001'),
      said: ['REFUSED   ResourceNotFound.CommandNotFound'],
    },
    {
      name: 'a command that does not exist, at Cloud Assistant',
      action: run('alibaba', 'c-nothere1', 'i-local001'),
      said: ['REFUSED   InvalidCmdId.NotFound', 'i-local001: would not run'],
    },
    {
      name: 'a parameter that the command has not, at Cloud Assistant',
      action: run('alibaba', 'c-echo0001', 'i-local001'),
      said: ['REFUSED   Parameter.NotMatched'],
    },
    {
      name: 'a parameter without a value, at TAT',
      action: run('tencent', 'cmd-greet001', 'ins-local001').replace('service: web', 'other: x'),
      said: ['all of it would run'],
      code: 0,
    },
    {
      name: 'a command that needs another parameter, at TAT',
      action: run('tencent', 'cmd-echo0001', 'ins-local001'),
      said: ['REFUSED   InvalidParameterValue.LackOfParameters'],
    },
    {
      name: 'a user who is not there, at Cloud Assistant',
      action: run('alibaba', 'c-echo0001', 'i-local001', ', username: nobody-has-this-name').replace(
        'service:',
        'text:',
      ),
      said: ['i-local001: would not run: Invalid: AccountNotExists'],
    },
    {
      name: 'a directory that is not there, at Cloud Assistant',
      action: run('alibaba', 'c-echo0001', 'i-local001', ', workingDirectory: /not/there').replace(
        'service:',
        'text:',
      ),
      said: ['i-local001: would not run: Invalid: DirectoryNotExists'],
    },
  ])('$name', async ({ action, said, code = 1 }) => {
    const rehearsed = await rehearse(action);
    for (const words of said) expect(rehearsed.out).toContain(words);
    expect([rehearsed.code, rehearsed.err, leftBehind()]).toEqual([code, '', []]);
  });

  test('without credentials it says what to set', async () => {
    const { code, out } = await rehearse(run('tencent', 'cmd-echo0001', 'ins-local001'), {});
    expect(code).toBe(1);
    expect(out).toMatch(/REFUSED .*\n.*(TENCENTCLOUD_SECRET_ID|credentials|access key|key pair)/i);
  });
});

test('a dry run that would recur is refused before it is sent', async () => {
  const client = createCloudAssistantClient({
    credentials: { accessKeyId: 'local', accessKeySecret: 'local-secret' },
    endpoint: local.server.url,
  });
  onTestFinished(() => client.close());
  const before = local.server.requestCounts['InvokeCommand'];
  const result = await client.invokeCommand({
    RegionId: REGION,
    CommandId: 'c-fail0001',
    InstanceId: ['i-local001'],
    RepeatMode: 'DryRun',
    Frequency: 'rate(1h)',
  });
  expect(result).toMatchObject({ kind: 'notSent', failure: { code: 'InvalidRequest' } });
  expect(local.server.requestCounts['InvokeCommand']).toBe(before);
});

const TAGGED =
  '{ web: { provider: tencent, tags: { role: web } }, none: { provider: tencent, tags: { role: none } } }';
const onFleet = (fleet: string) =>
  `run: { fleet: ${fleet}, command: cmd-echo0001, parameters: { text: hello } }`;

test('a tagged fleet is asked for, and each of its instances would run it', async () => {
  tat.engine.setInstances([
    ...tat.engine.instances.values(),
    ...parseFleet('version: 1\ninstances: [{ id: ins-tagged01, tags: { role: web } }]\n').instances,
  ]);
  const { code, out } = await rehearse(onFleet('web'), credentials(), [], TAGGED);
  expect(out).toContain('on the fleet web (role=web), as the cloud has it when it is sent');
  expect(out).toContain('ins-tagged01: would run');
  expect(code).toBe(0);
});

test('an empty one is refused, with its tags and region', async () => {
  const { code, out } = await rehearse(onFleet('none'), credentials(), [], TAGGED);
  expect(out).toContain('REFUSED   fleet.empty: the fleet none (role=none in ap-guangzhou) has no instance');
  expect(code).toBe(1);
});
