// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates of rules look like this
/** Fleets: a rule that names one touches nothing outside it, whatever an event asks for. */
import { expect, test } from 'vitest';
import { renderRule } from '../../../lib/rules/render.ts';
import type { Rule, RuleSet } from '../../../lib/rules/rule.ts';
import { anAlert, NOW, problemsIn, rulesOf } from './events.ts';

const FLEETS = `fleets:
  web: { provider: tencent, region: ap-beijing, instances: [ins-1, ins-2, lhins-3, ins-1] }
  db: { provider: alibaba, instances: [i-1, i-2] }`;

function load(rule: string): RuleSet {
  return rulesOf(`  - { name: r, on: alertmanager, ${rule} }`, FLEETS);
}

function ruleOf(run: string): Rule {
  const [rule] = load(`run: { command: cmd-1, ${run} }`).rules;
  if (rule === undefined) throw new Error('no rule');
  return rule;
}

function askedFor(rule: Rule, id: string): unknown {
  const event = anAlert({ labels: { instance_id: id }, raw: { ids: id.split(' ') } });
  const request = renderRule(rule, event, { now: NOW });
  return request.action === 'reject' ? request.reason : request;
}

test('a rule on a fleet runs on all of it, in its provider and region', () => {
  const rule = ruleOf('fleet: web');
  expect(askedFor(rule, 'ins-9')).toMatchObject({
    action: 'run',
    target: { provider: 'tencent', region: 'ap-beijing', instances: ['ins-1', 'ins-2', 'lhins-3'] },
  });
  expect(rule.action).toMatchObject({ target: { isInstancesFromEvent: false } });
});

test('a fleet without a region has that of its provider', () => {
  const [rule] = load('run: { fleet: db, command: c-1 }').rules;
  if (rule === undefined) throw new Error('no rule');
  expect(askedFor(rule, '')).toMatchObject({
    target: { provider: 'alibaba', region: 'cn-hangzhou', instances: ['i-1', 'i-2'] },
  });
});

test('an event chooses among the instances of the fleet, and among no others', () => {
  const rule = ruleOf('fleet: web, instances: "${event.data.labels.instance_id}"');
  expect(rule.action).toMatchObject({ target: { isInstancesFromEvent: true } });
  expect(askedFor(rule, 'lhins-3')).toMatchObject({
    action: 'run',
    target: { instances: ['lhins-3'] },
  });
  expect(askedFor(rule, 'ins-9')).toEqual({
    code: 'instances.not-in-fleet',
    message: '`instances`: `ins-9` is not in the fleet `web`; add it to `fleets`, if it is meant',
  });
  expect(askedFor(rule, 'ins-1;reboot')).toMatchObject({ code: 'instances.invalid' });
});

test('one instance outside the fleet rejects the whole list', () => {
  const rule = ruleOf('fleet: web, instances: ["${event.data.raw.ids}", ins-1]');
  expect(askedFor(rule, 'ins-1 ins-2')).toMatchObject({
    action: 'run',
    target: { instances: ['ins-1', 'ins-2'] },
  });
  expect(askedFor(rule, 'ins-1 ins-2 ins-4')).toMatchObject({ code: 'instances.not-in-fleet' });
});

test('unsafe does not open a fleet', () => {
  const rule = ruleOf('fleet: web, instances: "${event.data.labels.instance_id}", unsafe: [instances]');
  expect(askedFor(rule, 'ins-9')).toMatchObject({ code: 'instances.not-in-fleet' });
});

test('a schedule of a rule, and a standing one, may be on a fleet', () => {
  const set = rulesOf(
    '  - { name: r, on: alertmanager, schedule: { fleet: web, command: cmd-1, instances: "${event.data.labels.instance_id}", at: 30m } }',
    `${FLEETS}\nschedules: [{ name: s, fleet: db, command: c-1, recurrence: 'rate(5m)' }]`,
  );
  const [rule] = set.rules;
  if (rule === undefined) throw new Error('no rule');
  expect(askedFor(rule, 'ins-2')).toMatchObject({
    action: 'schedule',
    target: { region: 'ap-beijing', instances: ['ins-2'] },
  });
  expect(askedFor(rule, 'ins-9')).toMatchObject({ code: 'instances.not-in-fleet' });
  expect(set.schedules).toMatchObject([
    { name: 's', provider: 'alibaba', region: 'cn-hangzhou', instances: ['i-1', 'i-2'] },
  ]);
});

const ON = 'version: 1\nrules:\n  - { name: r, on: alertmanager, ';
const PROVIDERS = 'providers: { tencent: { region: ap-guangzhou } }\n';

test.each([
  [
    `${ON}run: { fleet: webb, command: cmd-1 } }\n${FLEETS}`,
    'r.yml:3:48: rules[0].run.fleet: there is no fleet `webb`; did you mean `web`?',
  ],
  [
    `${ON}run: { fleet: web, command: cmd-1, instances: [ins-1, ins-9] } }\n${PROVIDERS}${FLEETS}`,
    'r.yml:3:88: rules[0].run.instances[1]: `ins-9` is not in the fleet `web`; add it there, or leave it out here',
  ],
  [
    `${ON}run: { fleet: web, provider: tencent, command: cmd-1 } }\n${PROVIDERS}${FLEETS}`,
    'rules[0].run.provider: expected exactly one of fleet, provider, came fleet and provider',
  ],
  [
    `${ON}run: { fleet: web, region: ap-guangzhou, command: cmd-1 } }\n${PROVIDERS}${FLEETS}`,
    'rules[0].run.region: a fleet has its own region, in `fleets`; omit it here',
  ],
  [
    `${ON}run: { command: cmd-1, instances: ins-1 } }\n${PROVIDERS}`,
    'rules[0].run: expected exactly one of fleet, provider, came none',
  ],
  [
    `${ON}run: { provider: tencent, command: cmd-1 } }\n${PROVIDERS}`,
    'rules[0].run.instances: is missing: expected an instance id, a template',
  ],
  [
    `${ON}run: { fleet: web, command: c-1 } }\n${PROVIDERS}${FLEETS}`,
    'rules[0].run.command: expected a command of tencent, cmd-…, came "c-1"',
  ],
  [
    'version: 1\nrules: []\nfleets: { db: { provider: alibaba, instances: [i-1] } }',
    'fleets.db: has no region: write',
  ],
  [
    `version: 1\nrules: []\n${PROVIDERS}fleets: { web: { provider: tencent, instances: [ins-1, i-1] } }`,
    'fleets.web.instances[1]: expected an instance id of tencent, ins-…, lhins-… or rins-…, came "i-1"',
  ],
  [
    `version: 1\nrules: []\n${PROVIDERS}fleets: { web: { provider: tencent, instances: [] } }`,
    'fleets.web.instances: expected at least 1 items, came an empty list',
  ],
  [
    `version: 1\nrules: []\n${PROVIDERS}fleets: { web: { provider: tencent, instances: '\${event.id}' } }`,
    'fleets.web.instances: expected a list, came "${event.id}"',
  ],
  [
    `version: 1\nrules: []\n${PROVIDERS}fleets: { Web: { provider: tencent, instances: [ins-1] } }`,
    "expected a fleet's name",
  ],
  [
    `version: 1\nrules: []\n${PROVIDERS}${FLEETS}\nschedules: [{ name: s, fleet: web, command: cmd-1, recurrence: '* * * * *' }]`,
    'schedules[0].instances: expected instances of one kind, came ins-… and lhins-…',
  ],
])('refuses %s', (text, problem) => {
  expect(problemsIn(text).join('\n')).toContain(problem);
});

test('a broken fleet is one problem, not one of each rule that names it', () => {
  const text = `${ON}run: { fleet: web, command: cmd-1 } }\n${PROVIDERS}fleets: { web: { provider: tencnt, instances: [ins-1] } }`;
  expect(problemsIn(text)).toEqual([
    'r.yml:5:28: fleets.web.provider: expected tencent or alibaba, came "tencnt"; did you mean `tencent`?',
  ]);
});
