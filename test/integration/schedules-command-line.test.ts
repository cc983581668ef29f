/** `fleet-reflex schedules` as a process: what it prints, and what it does at the local TAT. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startTat } from '../contract/local-tencent-server.ts';

const ENTRY = new URL('../../bin/fleet-reflex.ts', import.meta.url).pathname;
const HEAD =
  'version: 1\nproviders: { tencent: { region: ap-guangzhou }, alibaba: { region: cn-hangzhou } }\nrules: []\n';
const LOGROTATE =
  "{ name: logrotate, provider: tencent, command: cmd-echo0001, instances: [ins-local001], parameters: { text: rotated }, recurrence: '0 0 1 * *' }";

async function rulesFile(schedules: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'schedules-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'rules.yml');
  await writeFile(file, `${HEAD}schedules: [${schedules}]\n`);
  return file;
}

async function fleetReflex(args: readonly string[], env: Record<string, string> = {}) {
  return await new Promise<{ code: number; out: string; err: string }>((resolve) => {
    const options = {
      env: { PATH: process.env['PATH'] ?? '', TZ: 'UTC', FLEET_REFLEX_URL: 'http://127.0.0.1:9', ...env },
    };
    execFile(process.execPath, [ENTRY, 'schedules', ...args], options, (error, out, err) => {
      resolve({ code: Number(error?.code ?? 0), out, err });
    });
  });
}

test('lists the next five times in Beijing and in UTC', async () => {
  const { code, out } = await fleetReflex(['--rules', await rulesFile(LOGROTATE)]);
  const lines = out.trimEnd().split('\n');
  expect(code).toBe(0);
  expect(lines.slice(0, 3)).toEqual([
    "logrotate: '0 0 1 * *'",
    '  cmd-echo0001 on ins-local001 (tencent, ap-guangzhou), tells completions',
    '    Beijing (UTC+8)           UTC',
  ]);
  const times = lines.slice(3).map((line) => line.trim().split(/\s{3,}/));
  expect(times).toHaveLength(5);
  for (const [beijing = '', utc = ''] of times) {
    expect(beijing).toMatch(/^[A-Z][a-z]{2} \d{4}-\d\d-01 00:00:00$/);
    expect(Date.parse(`${beijing.slice(4).replace(' ', 'T')}+08:00`)).toBe(
      Date.parse(`${utc.slice(4).replace(' ', 'T')}Z`),
    );
  }
});

test.each([
  {
    name: 'a third column for another machine’s zone',
    schedule: LOGROTATE,
    env: { TZ: 'America/New_York' },
    shows: 'Beijing (UTC+8)           UTC                       America/New_York',
  },
  {
    name: 'the zone that is written',
    schedule:
      "{ name: s, provider: alibaba, command: c-1, instances: i-1, recurrence: '0 30 9 ? * MON GMT-3:30' }",
    env: {},
    shows: 'UTC-03:30',
  },
  {
    name: 'a rate, counted from its making',
    schedule:
      "{ name: s, provider: alibaba, command: c-1, instances: i-1, recurrence: 'rate(5m)', enabled: false }",
    env: {},
    shows: 'counted from when it is made',
  },
  {
    name: 'a time that nobody here can know',
    schedule: "{ name: s, provider: alibaba, command: c-1, instances: i-1, recurrence: '0 30 9 ? * MON' }",
    env: {},
    shows: 'in the time zone of each instance',
  },
  {
    name: 'one instant',
    schedule: "{ name: s, provider: tencent, command: cmd-1, instances: ins-1, at: '2096-01-01T00:00:00Z' }",
    env: {},
    shows: 'Sun 2096-01-01 08:00:00   Sun 2096-01-01 00:00:00',
  },
  {
    name: 'one instant that is past',
    schedule: "{ name: s, provider: tencent, command: cmd-1, instances: ins-1, at: '2016-01-01T00:00:00Z' }",
    env: {},
    shows: 'its time is past',
  },
])('shows $name', async ({ schedule, env, shows }) => {
  const { code, out } = await fleetReflex(['--rules', await rulesFile(schedule)], env);
  expect(code).toBe(0);
  expect(out).toContain(shows);
});

test('lists the scheduled runs of the deployment; without one, still the standing schedules', async () => {
  const run = {
    runId: `run-${'a'.repeat(26)}`,
    rule: 'patch-web',
    status: 'scheduled',
    waitingFor: { code: 'schedule.at', message: 'It waits for its time, 2026-12-24T14:00:00.000Z.' },
    instances: ['ins-1'],
    invocationIds: [],
    trigger: { source: 'slack', type: 'chat.command', id: 'e-1' },
    requestedAt: '2026-11-20T10:00:00.000Z',
  };
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization}`);
    response.end(JSON.stringify({ runs: [run] }));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const env = { FLEET_REFLEX_URL: `http://127.0.0.1:${address.port}`, RUNS_TOKEN: 'secret' };
  const args = ['--rules', await rulesFile(LOGROTATE)];
  const { code, out, err } = await fleetReflex(args, env);
  server.close();
  expect({ code, err, asked }).toEqual({
    code: 0,
    err: '',
    asked: ['GET /runs?status=scheduled&limit=100 Bearer secret'],
  });
  expect(out.trimEnd().split('\n').slice(-2)).toEqual([
    'Waiting for their time; `fleet-reflex cancel <run id>` takes one back:',
    `2026-11-20 10:00:00  scheduled      ${run.runId}  patch-web on ins-1  (${run.waitingFor.message})`,
  ]);
  expect(await fleetReflex(args, env)).toMatchObject({
    code: 0,
    out: expect.stringContaining('logrotate'),
    err: expect.stringContaining('What rules scheduled is not shown'),
  });
});

test.each([
  { args: [], says: "recurrence '61 * * * *'" },
  { args: ['plan'], says: "recurrence '61 * * * *'" },
])('a crontab that TAT would refuse is refused: $args', async ({ args, says }) => {
  const file = await rulesFile(LOGROTATE.replace('0 0 1 * *', '61 * * * *'));
  expect(await fleetReflex([...args, '--rules', file])).toEqual({
    code: 1,
    out: '',
    err: expect.stringContaining(says),
  });
});

test.each([
  { args: ['make'], says: 'Expected `plan` or `sync`, came `make`.' },
  { args: ['plan', '--region', 'ap-guangzhou'], says: '--region: expected a provider and a region' },
])('is asked wrongly: $args', async ({ args, says }) => {
  expect(await fleetReflex(args)).toMatchObject({ code: 2, err: expect.stringContaining(says) });
});

test('plan says what sync then does, and after it there is nothing to do', async () => {
  const tat = await startTat({}, onTestFinished);
  const env = {
    STAGE: 'cli',
    TENCENTCLOUD_SECRET_ID: 'local',
    TENCENTCLOUD_SECRET_KEY: 'local-secret',
    TENCENT_ENDPOINT: tat.server.url,
  };
  const file = await rulesFile(LOGROTATE);
  expect(await fleetReflex(['plan', '--rules', file], env)).toEqual({
    code: 0,
    out: `stage cli: 0 standing, 0 made by runs (left alone), 1 to do
create logrotate (tencent, ap-guangzhou)
Nothing was changed: \`fleet-reflex schedules sync\` does it.
`,
    err: '',
  });
  expect(tat.server.requestCounts).toEqual({ DescribeInvokers: 1 });
  expect(await fleetReflex(['sync', '--rules', file], env)).toMatchObject({
    code: 0,
    out: expect.stringContaining('done: create logrotate (tencent, ap-guangzhou)'),
  });
  expect(await fleetReflex(['plan', '--rules', file], env)).toMatchObject({
    out: 'stage cli: 1 standing, 0 made by runs (left alone), 0 to do\n',
  });
  const gone = await rulesFile('');
  expect(await fleetReflex(['sync', '--rules', gone, '--region', 'tencent/ap-guangzhou'], env)).toMatchObject(
    {
      code: 0,
      out: expect.stringContaining(
        'done: remove logrotate (tencent, ap-guangzhou): the rules have no schedule',
      ),
    },
  );
  const { InvokerSet } = await tat.client().DescribeInvokers({});
  expect(InvokerSet).toEqual([]);
});

test('sync says what could not be done, and exits 1', async () => {
  const file = await rulesFile(LOGROTATE);
  const env = { TENCENTCLOUD_SECRET_ID: '', TENCENTCLOUD_SECRET_KEY: '' };
  expect(await fleetReflex(['sync', '--rules', file], env)).toMatchObject({
    code: 1,
    err: expect.stringContaining('There are no credentials for Tencent Cloud'),
  });
});
