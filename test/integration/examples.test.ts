/** Every example, really executed: all of their rules and machines on one local stack, each started as its page says. */
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { until } from '../contract/alibaba-local.ts';
import { fleetReflex } from '../fixtures/command-line.ts';
import { STACK_START_MS, startTestStack, type TestStack } from '../fixtures/stack.ts';
import { anAlert, bearer, byGithub, bySlack, post, runsOf } from './local-stack-client.ts';

const EXAMPLES = new URL('../../examples/', import.meta.url);
const FOLDERS = readdirSync(EXAMPLES, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() ? [entry.name] : [],
);

const Lists = z.record(z.string(), z.union([z.array(z.unknown()), z.record(z.string(), z.unknown())]));

/** The files of all examples as one: their lists one after the other, their maps together. */
function merged(name: string): string {
  const all: Record<string, unknown[] | Record<string, unknown>> = {};
  for (const folder of FOLDERS) {
    const { version: _, ...file } = parse(readFileSync(new URL(`${folder}/${name}`, EXAMPLES), 'utf8'));
    for (const [key, value] of Object.entries(Lists.parse(file))) {
      const known = all[key];
      all[key] = Array.isArray(value)
        ? [...(Array.isArray(known) ? known : []), ...value]
        : { ...known, ...value };
    }
  }
  return JSON.stringify({ version: 1, ...all });
}

const Rules = z.looseObject({ rules: z.array(z.looseObject({})) });

/** Their windows are by the calendar, and this may be run on a Friday. */
function withoutWindows(rules: string): string {
  const file = Rules.parse(JSON.parse(rules));
  return JSON.stringify({ ...file, rules: file.rules.map(({ freezes: _, ...rule }) => rule) });
}

const Run = z.looseObject({
  runId: z.string(),
  rule: z.string(),
  status: z.string(),
  endedAt: z.string().optional(),
  waves: z.array(z.unknown()).optional(),
  waitingFor: z.looseObject({ code: z.string() }).optional(),
  approval: z.looseObject({ plan: z.looseObject({ script: z.string() }).optional() }).optional(),
  tasks: z.array(
    z.looseObject({
      instanceId: z.string(),
      status: z.string(),
      output: z.string().optional(),
      outputUrl: z.string().optional(),
    }),
  ),
});
const Recorded = z.looseObject({
  source: z.string(),
  matched: z.array(z.looseObject({ rule: z.string() })),
  event: z.unknown().optional(),
});
const Matched = z.looseObject({ matched: z.array(z.looseObject({ rule: z.string(), runId: z.string() })) });

describe('the examples', { timeout: 90_000 }, () => {
  let stack: TestStack;
  beforeAll(async () => {
    stack = await startTestStack({ rules: withoutWindows(merged('rules.yml')), fleet: merged('fleet.yml') });
  }, STACK_START_MS);

  const show = async (runId: string) => {
    const answer = await fetch(`${stack.httpUrl}/runs/${runId}`, { headers: bearer(stack.runsToken) });
    return answer.ok ? Run.parse(await answer.json()) : undefined;
  };
  /** @returns what each of its instances printed, in the order of their ids */
  async function ended(runId: string) {
    const isOver = (run: z.infer<typeof Run> | undefined) => run?.endedAt !== undefined;
    const run = await until(() => show(runId), isOver, 60_000);
    const tasks = (run?.tasks ?? []).toSorted((a, b) => (a.instanceId < b.instanceId ? -1 : 1));
    return { rule: run?.rule, status: run?.status, tasks };
  }
  async function alert(name: string, labels: Record<string, string>, isOver = false): Promise<string[]> {
    const firing = anAlert(name, labels);
    const body = isOver
      ? firing
          .replaceAll('"status":"firing"', '"status":"resolved"')
          .replace('0001-01-01T00:00:00Z', new Date().toISOString())
      : firing;
    const secret = stack.secretOf('alertmanager');
    const { matched } = Matched.parse((await post(stack, '/hooks/alertmanager', body, bearer(secret))).body);
    return matched.map(({ runId }) => runId);
  }
  async function github(event: string, payload: object): Promise<string[]> {
    const body = JSON.stringify(payload);
    const headers = byGithub(body, stack.secretOf('github'), randomUUID());
    const answer = await post(stack, '/hooks/github', body, { ...headers, 'x-github-event': event });
    return Matched.parse(answer.body).matched.map(({ runId }) => runId);
  }
  async function slack(text: string): Promise<void> {
    const said = { command: '/fleet', text, user_id: 'U2CERLKJA', channel_id: 'G8PSS9T3V', team_id: 'T1' };
    const body = String(new URLSearchParams({ ...said, trigger_id: randomUUID() }));
    const { status } = await post(
      stack,
      '/hooks/slack',
      body,
      bySlack(body, stack.secretOf('slack'), new Date()),
    );
    expect(status).toBe(200);
  }
  /** The run of a rule that something else starts. */
  async function runOf(rule: string): Promise<string> {
    const found = async () => (await runsOf(stack)).find((run) => run.rule === rule)?.runId;
    return (await until(found, (runId) => runId !== undefined, 60_000)) ?? '';
  }
  const outputsOf = (run: Awaited<ReturnType<typeof ended>>) => run.tasks.map(({ output }) => output);

  it('restart-on-5xx restarts the service on the machine that the alert names', async () => {
    const [runId = ''] = await alert('High5xx', { instance_id: 'ins-web00001', service: 'nginx' });
    const run = await ended(runId);
    expect({ ...run, tasks: outputsOf(run) }).toEqual({
      rule: 'restart-web',
      status: 'succeeded',
      tasks: ['restarted nginx\n'],
    });
  });

  it('clear-disk deletes what is old, and nothing else', async () => {
    const labels = { instance_id: 'ins-disk00001', mountpoint: '/var/cache', keep_days: '3' };
    const [runId = ''] = await alert('DiskFull', labels);
    const run = await ended(runId);
    expect(run.status).toBe('succeeded');
    expect(outputsOf(run)[0]).toMatch(/^\.\/var\/cache\/old\n(?!.*new)/);
  });

  it('rotate-logs rotates by an alert, and by a person on all machines', async () => {
    const [runId = ''] = await alert('LogsTooLarge', { instance_id: 'ins-logs00001', service: 'nginx' });
    expect(outputsOf(await ended(runId))).toEqual(['nginx.log.1.gz\n']);
    await slack('run rotate-logs service=app');
    const run = await ended(await runOf('rotate-logs'));
    expect(outputsOf(run)).toEqual(['app.log.1.gz\nnginx.log.1.gz\n', 'app.log.1.gz\n']);
  });

  it('deploy-by-tag deploys the tag to production', async () => {
    const [runId = ''] = await github('push', {
      ref: 'refs/tags/v1.4.0',
      after: 'f95f852bd8fca8fcc58a9a2d6c842781e32a215e',
      deleted: false,
      repository: { full_name: 'acme/web' },
      sender: { login: 'ann' },
    });
    const run = await ended(runId);
    expect(run.rule).toBe('deploy-release');
    // The machines that have the tags, in fives.
    expect(outputsOf(run)).toEqual(Array(12).fill('releases/v1.4.0\n'));
    expect((await show(runId))?.waves).toMatchObject([5, 5, 2].map((length) => ({ instances: { length } })));
  });

  it('roll-back brings the previous version back where one machine failed', async () => {
    const payload = JSON.parse(
      readFileSync(new URL('../events/github.deployment.json', EXAMPLES), 'utf8').replaceAll(
        /"20\d\d-[\d-]+T[\d:]+Z"/g,
        `"${new Date().toISOString()}"`,
      ),
    );
    const [runId = ''] = await github('deployment', payload);
    expect((await ended(runId)).status).toBe('partly_failed');
    const back = await ended(await runOf('roll-back-app'));
    expect({ status: back.status, said: outputsOf(back) }).toEqual({
      status: 'succeeded',
      said: Array(2).fill('f95f852bd8fca8fcc58a9a2d6c842781e32a215e failed, back to first\n'),
    });
  });

  it('patch-in-waves goes from wave to wave, once a second person has said yes', async () => {
    await slack('run patch-fleet');
    const runId = await runOf('patch-fleet');
    await until(
      () => show(runId),
      (asked) => asked?.waitingFor?.code === 'approval',
    );
    const approve = { method: 'POST', headers: bearer('local-approver-token') };
    expect((await fetch(`${stack.httpUrl}/runs/${runId}/approve`, approve)).status).toBe(200);
    const run = await ended(runId);
    expect(run.status).toBe('succeeded');
    expect(run.tasks).toHaveLength(6);
    expect((await show(runId))?.waves).toEqual([
      { index: 0, instances: ['ins-patch0001'], state: 'succeeded' },
      { index: 1, instances: ['ins-patch0002', 'ins-patch0003'], state: 'succeeded' },
      { index: 2, instances: ['ins-patch0004', 'ins-patch0005', 'ins-patch0006'], state: 'succeeded' },
    ]);
  });

  it('cancel-on-resolve ends with the alert what it started', async () => {
    const labels = { instance_id: 'i-edge00001' };
    const [runId = ''] = await alert('HighLatency', labels);
    await until(
      () => show(runId),
      (run) => run?.status === 'running',
      60_000,
    );
    await alert('HighLatency', labels, true);
    expect((await ended(runId)).status).toBe('stopped');
  });

  it('collect-diagnostics leaves the whole output in the bucket of each cloud', async () => {
    const runs = await Promise.all(
      ['ins-diag00001', 'i-diag00001'].map(async (instanceId) => {
        const [runId = ''] = await alert(`Down ${instanceId}`, {
          instance_id: instanceId,
          severity: 'critical',
        });
        return await ended(runId);
      }),
    );
    expect(runs.map(({ rule, status }) => [rule, status])).toEqual([
      ['diagnose', 'succeeded'],
      ['diagnose-alibaba', 'succeeded'],
    ]);
    const urls = runs.flatMap(({ tasks }) => tasks.map(({ outputUrl }) => outputUrl));
    expect(urls).toEqual([
      expect.stringMatching(/\/incidents\/.*\.log/),
      expect.stringMatching(/^oss:\/\/diagnostics\/incidents\//),
    ]);
    expect(await (await fetch(urls[0] ?? '')).text()).toContain('line 2000 of what the machine says\n');
  });

  it('chat-restart restarts at once what one may, and after an approval what takes two', async () => {
    await slack('run restart-shop service=nginx');
    expect(outputsOf(await ended(await runOf('restart-shop')))).toEqual([
      'nginx restarted\n',
      'nginx restarted\n',
    ]);
    await slack('run restart-shop-database');
    const runId = await runOf('restart-shop-database');
    const waits = await until(
      () => show(runId),
      (run) => run?.waitingFor?.code === 'approval',
    );
    expect(waits?.approval?.plan?.script).toContain('"postgresql restarted"');
    // Who asked presses the button, too.
    await slack(`approve ${runId}`);
    expect((await show(runId))?.waitingFor?.code).toBe('approval');
    const approve = { method: 'POST', headers: bearer('local-approver-token') };
    expect((await fetch(`${stack.httpUrl}/runs/${runId}/approve`, approve)).status).toBe(200);
    expect(outputsOf(await ended(runId))).toEqual(['postgresql restarted\n']);
    expect((await show(runId))?.approval).toMatchObject({ verdict: 'approved', by: 'approver' });
  });

  it('nightly-schedule has its schedules at both clouds, and takes a backup by hand', async () => {
    const clouds = {
      STAGE: 'local',
      TENCENT_ENDPOINT: stack.tatUrl,
      TENCENTCLOUD_SECRET_ID: 'local',
      TENCENTCLOUD_SECRET_KEY: 'local-secret',
      ALIBABA_ENDPOINT: stack.cloudAssistantUrl,
      ALIBABA_CLOUD_ACCESS_KEY_ID: 'local',
      ALIBABA_CLOUD_ACCESS_KEY_SECRET: 'local-secret',
    };
    const plan = () => fleetReflex(stack, ['schedules', 'plan', '--rules', stack.rulesFile], clouds);
    await until(plan, ({ out }) => out.startsWith('stage local: 2 standing'), 75_000);
    await slack('run backup-now');
    const today = `${new Date().toISOString().slice(0, 10)}\n`;
    expect(outputsOf(await ended(await runOf('backup-now')))).toEqual([today, today]);
  });

  it('leave a history that does the same again when it is replayed, and says what other rules would do', async () => {
    const { code, out } = await fleetReflex(stack, ['events', '--since', '1h', '--json']);
    const records = out
      .trim()
      .split('\n')
      .map((line) => Recorded.parse(JSON.parse(line)));
    // What people typed is not kept.
    expect([code, new Set(records.flatMap((it) => (it.event === undefined ? [it.source] : [])))]).toEqual([
      0,
      new Set(['slack']),
    ]);
    const history = join(stack.folder, 'history.jsonl');
    writeFileSync(history, out);
    const simulate = (...args: string[]) =>
      fleetReflex(stack, ['simulate', history, '--rules', stack.rulesFile, ...args]);
    const replayed = z
      .looseObject({ events: z.array(z.looseObject({ effects: z.array(z.string()) })) })
      .parse(JSON.parse((await simulate('--json')).out));
    const did = records.flatMap(({ event, matched }) =>
      event === undefined ? [] : matched.map(({ rule }) => rule),
    );
    const does = replayed.events.flatMap(({ effects }) =>
      effects.map((effect) => /^✓ ([\w-]+): /.exec(effect)?.[1]),
    );
    expect(does.toSorted()).toEqual(did.toSorted());

    const stricter = join(stack.folder, 'stricter.yml');
    const rules = readFileSync(stack.rulesFile, 'utf8').replace("event.data.name == 'DiskFull'", 'false');
    writeFileSync(stricter, rules);
    const compared = await simulate('--rules', stricter, '--against', stack.rulesFile);
    expect({ code: compared.code, out: compared.out }).toEqual({
      code: 1,
      out: expect.stringMatching(
        / {2}- clear-disk: run cmd-cleardisk1 on ins-disk00001[\s\S]* 1 event would be/,
      ),
    });
  });
});
