/** What a rule may say beyond where and what it runs: which provider takes it, in which form, and what travels. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates of rules look like this
import { expect, test } from 'vitest';
import { RunRequest } from '../../../lib/model/run-request.ts';
import { upgradeRunRequest } from '../../../lib/model/upgrade.ts';
import { loadRules } from '../../../lib/rules/load.ts';
import { renderRule } from '../../../lib/rules/render.ts';
import { SOURCES } from '../../../lib/sources/registry.ts';
import { anAlert, NOW, problemsIn } from './events.ts';

const TARGETS = {
  tencent: 'provider: tencent, command: cmd-1, instances: ins-1',
  alibaba: 'provider: alibaba, command: c-1, instances: i-1',
} as const;
type ProviderName = keyof typeof TARGETS;

const HEAD =
  'version: 1\nproviders: { tencent: { region: ap-guangzhou }, alibaba: { region: cn-hangzhou } }\n';
const aRule = (provider: ProviderName, fields: string): string =>
  `${HEAD}rules:\n  - { name: r, on: alertmanager, run: { ${TARGETS[provider]}, ${fields} } }\n`;
const aSchedule = (provider: ProviderName, fields: string): string =>
  `${HEAD}rules: []\nschedules:\n  - { name: s, ${TARGETS[provider]}, recurrence: '${provider === 'tencent' ? '0 0 * * *' : 'rate(1h)'}', ${fields} }\n`;

const load = (text: string) => loadRules(text, 'r.yml', SOURCES.values());
/** Without the place in the file. */
const saidOf = (text: string): string[] =>
  problemsIn(text).map((line) => line.replace(/^r\.yml:\d+:\d+: /, ''));

const COS = 'https://logs-123454321.cos.ap-beijing.myqcloud.com';

test.each<{ provider: ProviderName; fields: string; options: object }>([
  {
    provider: 'tencent',
    fields: `output: { bucket: '${COS}', prefix: ops/logs }`,
    options: { output: { bucket: COS, prefix: 'ops/logs' } },
  },
  { provider: 'tencent', fields: `output: { bucket: '${COS}' }`, options: { output: { bucket: COS } } },
  {
    provider: 'alibaba',
    fields: 'output: { bucket: ops-logs }, terminationMode: Process, tags: { team: web, empty: "" }',
    options: {
      output: { bucket: 'ops-logs' },
      terminationMode: 'Process',
      tags: { team: 'web', empty: '' },
    },
  },
])('$provider takes $fields, and all of it travels whole', ({ provider, fields, options }) => {
  const [rule] = load(aRule(provider, fields)).rules;
  if (rule === undefined) throw new Error('no rule');
  const request = renderRule(rule, anAlert(), { now: NOW });
  expect(request).toMatchObject({ action: 'run', target: { options } });
  expect(RunRequest.parse(JSON.parse(JSON.stringify(request)))).toEqual(request);
});

test('what is scheduled by a rule carries it too, for it is sent by us', () => {
  const text = `${HEAD}rules:\n  - { name: r, on: alertmanager, schedule: { ${TARGETS.tencent}, at: 30m, output: { bucket: '${COS}' } } }\n`;
  const [rule] = load(text).rules;
  if (rule === undefined) throw new Error('no rule');
  expect(renderRule(rule, anAlert(), { now: NOW })).toMatchObject({
    action: 'schedule',
    target: { options: { output: { bucket: COS } } },
  });
});

test('a request of an earlier version, which knows none of it, is still read', () => {
  const [rule] = load(aRule('alibaba', 'timeout: 30s')).rules;
  if (rule === undefined) throw new Error('no rule');
  const { target, ...rest } = JSON.parse(JSON.stringify(renderRule(rule, anAlert(), { now: NOW })));
  const earlier = { ...rest, ...target, version: 1, options: undefined };
  expect(RunRequest.parse(upgradeRunRequest(earlier))).toMatchObject({
    action: 'run',
    target: { timeoutSeconds: 30 },
  });
});

test.each<{ provider: ProviderName; fields: string; problem: RegExp }>([
  {
    provider: 'tencent',
    fields: 'terminationMode: Process',
    problem: /run\.terminationMode: TAT always ends all/,
  },
  {
    provider: 'tencent',
    fields: 'tags: { team: web }',
    problem: /run\.tags: InvokeCommand of TAT takes no tags/,
  },
  {
    provider: 'tencent',
    fields: 'output: { bucket: logs }',
    problem: /output\.bucket: expected the URL of a COS/,
  },
  {
    provider: 'tencent',
    fields: "output: { bucket: 'http://logs-1.cos.ap-beijing.myqcloud.com' }",
    problem: /output\.bucket/,
  },
  {
    provider: 'tencent',
    fields: "output: { bucket: 'https://evil.example/?x=logs-1.cos.ap-beijing.myqcloud.com' }",
    problem: /output\.bucket/,
  },
  {
    provider: 'alibaba',
    fields: "output: { bucket: 'oss://logs' }",
    problem: /output\.bucket: expected the name/,
  },
  { provider: 'alibaba', fields: "output: { bucket: '${event.data.name}' }", problem: /output\.bucket/ },
  {
    provider: 'alibaba',
    fields: "output: { bucket: logs, prefix: '${event.data.name}' }",
    problem: /output\.prefix/,
  },
  { provider: 'alibaba', fields: 'output: { bucket: logs, prefix: /a }', problem: /output\.prefix/ },
  { provider: 'alibaba', fields: 'output: { bucket: logs, prefix: a//b }', problem: /output\.prefix/ },
  { provider: 'alibaba', fields: 'output: { bucket: logs, prefix: a/../b }', problem: /output\.prefix/ },
  { provider: 'alibaba', fields: 'output: { bucket: logs, prefix: "a b" }', problem: /output\.prefix/ },
  {
    provider: 'tencent',
    fields: `output: { bucket: '${COS}', prefix: ${'x'.repeat(61)} }`,
    problem: /output\.prefix: .* at most 60 characters/,
  },
  { provider: 'alibaba', fields: 'terminationMode: Group', problem: /terminationMode/ },
  {
    provider: 'alibaba',
    fields: 'tags: { fleet-reflex-run: x }',
    problem: /begin with fleet-reflex are ours/,
  },
  { provider: 'alibaba', fields: 'tags: { Fleet-Reflex: x }', problem: /begin with fleet-reflex are ours/ },
  { provider: 'alibaba', fields: "tags: { 'acs:x': x }", problem: /does not begin with aliyun or acs:/ },
  { provider: 'alibaba', fields: 'tags: { aliyunx: x }', problem: /does not begin with aliyun or acs:/ },
  { provider: 'alibaba', fields: `tags: { ${'k'.repeat(65)}: x }`, problem: /1 to 64 characters/ },
  { provider: 'alibaba', fields: `tags: { k: ${'v'.repeat(129)} }`, problem: /at most 128 characters/ },
  { provider: 'alibaba', fields: "tags: { k: 'http://x' }", problem: /without http/ },
  { provider: 'alibaba', fields: "tags: { k: '${event.data.name}' }", problem: /as it stands/ },
  { provider: 'alibaba', fields: 'tags: { k: 7 }', problem: /expected a text/ },
  {
    provider: 'alibaba',
    fields: `tags: { ${Array.from({ length: 16 }, (_, n) => `k${n}: v`).join(', ')} }`,
    problem: /at most 15 tags, came 16/,
  },
])('$provider refuses $fields', ({ provider, fields, problem }) => {
  expect(saidOf(aRule(provider, fields))).toEqual([expect.stringMatching(problem)]);
});

test('a standing schedule of Alibaba carries all that its command runs with', () => {
  const fields =
    'timeout: 30s, workingDirectory: /srv/app, output: { bucket: logs }, terminationMode: ProcessTree, tags: { team: web }';
  expect(load(aSchedule('alibaba', fields)).schedules).toMatchObject([
    {
      name: 's',
      settings: {
        timeoutSeconds: 30,
        workingDirectory: '/srv/app',
        output: { bucket: 'logs' },
        terminationMode: 'ProcessTree',
        tags: { team: 'web' },
      },
    },
  ]);
});

test('a standing schedule that says nothing of it has no settings', () => {
  const [schedule] = load(aSchedule('alibaba', 'enabled: true')).schedules;
  expect(schedule?.settings).toBeUndefined();
});

test('a standing schedule of Tencent takes tags', () => {
  expect(load(aSchedule('tencent', 'tags: { team: web }')).schedules).toMatchObject([
    { settings: { tags: { team: 'web' } } },
  ]);
});

test.each<{ provider: ProviderName; fields: string; problem: RegExp }>([
  { provider: 'tencent', fields: 'timeout: 30s', problem: /timeout: CreateInvoker of TAT takes no timeout/ },
  {
    provider: 'tencent',
    fields: 'workingDirectory: /srv',
    problem: /CreateInvoker of TAT takes no directory/,
  },
  {
    provider: 'tencent',
    fields: `output: { bucket: '${COS}' }`,
    problem: /CreateInvoker of TAT takes no bucket/,
  },
  { provider: 'tencent', fields: 'terminationMode: Process', problem: /TAT always ends all/ },
  {
    provider: 'tencent',
    fields: `tags: { ${Array.from({ length: 8 }, (_, n) => `k${n}: v`).join(', ')} }`,
    problem: /at most 7 tags/,
  },
  { provider: 'alibaba', fields: 'timeout: 5s', problem: /alibaba takes 10s or more/ },
  { provider: 'alibaba', fields: 'workingDirectory: srv', problem: /expected an absolute path/ },
  {
    provider: 'alibaba',
    fields: "workingDirectory: '/srv/${event.data.name}'",
    problem: /expected an absolute path/,
  },
])('a standing schedule of $provider refuses $fields', ({ provider, fields, problem }) => {
  expect(saidOf(aSchedule(provider, fields))).toEqual([expect.stringMatching(problem)]);
});
