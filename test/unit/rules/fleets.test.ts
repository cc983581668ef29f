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

const TAGGED = `fleets:
  web: { provider: tencent, region: ap-beijing, tags: { role: web, 'ops:owner': 'a b' } }
  db: { provider: tencent, region: ap-tokyo, instances: [ins-5] }
  ecs: { provider: alibaba, tags: { role: web } }`;

function tagged(rule: string): Rule {
  const [found] = rulesOf(`  - { name: r, on: alertmanager, ${rule} }`, TAGGED).rules;
  if (found === undefined) throw new Error('no rule');
  return found;
}

test('a rule on a tagged fleet asks for all that the cloud finds by its tags', () => {
  expect(askedFor(tagged('run: { fleet: web, command: cmd-1 }'), '')).toMatchObject({
    action: 'run',
    target: { provider: 'tencent', region: 'ap-beijing', instances: [] },
    taggedFleet: { name: 'web', tags: { role: 'web', 'ops:owner': 'a b' } },
  });
});

test('a rule on a listed fleet says nothing of tags', () => {
  expect(askedFor(ruleOf('fleet: web'), '')).not.toHaveProperty('taggedFleet');
});

test('instances that an event names on a tagged fleet are compared with it later, and have the form of ids', () => {
  const rule = tagged('run: { fleet: web, command: cmd-1, instances: "${event.data.labels.instance_id}" }');
  expect(askedFor(rule, 'ins-9')).toMatchObject({
    target: { instances: ['ins-9'] },
    taggedFleet: { name: 'web' },
    guards: { maxInstances: 50 },
  });
  expect(askedFor(rule, 'ins-9; reboot')).toMatchObject({ code: 'instances.invalid' });
  expect(askedFor(rule, '')).toMatchObject({ code: 'instances.invalid' });
});

test('the share of a tagged fleet has no number until the cloud is asked; of a list it has', () => {
  const guards = 'guards: { maxShare: 10% }';
  expect(askedFor(tagged(`run: { fleet: web, command: cmd-1 }, ${guards}`), '')).toMatchObject({
    guards: { maxShare: { fleet: 'web', percent: 10 } },
  });
  expect(askedFor(tagged(`run: { fleet: db, command: cmd-1 }, ${guards}`), '')).toMatchObject({
    guards: { maxShare: { fleet: 'db', percent: 10, size: 1 } },
  });
});

test('an event chooses a fleet from the list of the rule, by its name', () => {
  const rule = tagged(
    'run: { fleet: { from: "${event.data.labels.instance_id}", of: [web, db] }, command: cmd-1 }',
  );
  expect(askedFor(rule, 'db')).toMatchObject({
    target: { region: 'ap-tokyo', instances: ['ins-5'] },
  });
  expect(askedFor(rule, 'web')).toMatchObject({
    target: { region: 'ap-beijing', instances: [] },
    taggedFleet: { name: 'web' },
  });
  expect(askedFor(rule, 'ecs')).toEqual({
    code: 'fleet.not-allowed',
    message: '`fleet`: `ecs` is not one of the fleets that this rule may run on: web, db',
  });
  expect(askedFor(rule, 'constructor')).toMatchObject({ code: 'fleet.not-allowed' });
  expect(askedFor(rule, '')).toMatchObject({ code: 'fleet.not-allowed' });
});

test('an event chooses an instance only of the fleet that it chose', () => {
  const rule = tagged(
    'run: { fleet: { from: "${event.data.raw.ids[0]}", of: [web, db] }, command: cmd-1, instances: "${event.data.raw.ids[1]}" }',
  );
  expect(askedFor(rule, 'db ins-5')).toMatchObject({ target: { instances: ['ins-5'] } });
  expect(askedFor(rule, 'db ins-6')).toMatchObject({ code: 'instances.not-in-fleet' });
});

test('a standing schedule on a tagged fleet leaves its instances to the sync', () => {
  const { schedules } = rulesOf(
    '  - { name: r, on: alertmanager, run: { fleet: db, command: cmd-1 } }',
    `${TAGGED}\nschedules: [{ name: s, fleet: web, command: cmd-1, recurrence: '0 3 * * *' }]`,
  );
  expect(schedules).toMatchObject([{ name: 's', instances: [], taggedFleet: { name: 'web' } }]);
});

test.each([
  ['{ provider: tencent, tags: {} }', 'fleets.x.tags: expected at least one tag, like { role: web }'],
  ['{ provider: tencent, tags: { role: 1 } }', 'fleets.x.tags.role: expected a text, came 1'],
  [
    "{ provider: tencent, tags: { role: '${event.id}' } }",
    'fleets.x.tags.role: expected a text of 1 to 255 characters as it stands',
  ],
  ["{ provider: tencent, tags: { role: '' } }", 'fleets.x.tags.role: expected a text of 1 to 255 characters'],
  [
    "{ provider: tencent, tags: { role: ' web' } }",
    'fleets.x.tags.role: expected a text of 1 to 255 characters',
  ],
  [
    "{ provider: alibaba, tags: { 'acs:role': web } }",
    'fleets.x.tags.acs:role: expected a key of 1 to 128 characters that does not begin with aliyun',
  ],
  [
    '{ provider: tencent, instances: [ins-1], tags: { role: web } }',
    'expected exactly one of instances, tags, came instances and tags',
  ],
  ['{ provider: tencent }', 'expected exactly one of instances, tags, came none'],
  [
    `{ provider: tencent, tags: { ${[...'abcdefghijk'].map((key) => `${key}: x`).join(', ')} } }`,
    'fleets.x.tags: tencent takes at most 10 tags, came 11',
  ],
])('a fleet %s is refused', (fleet, problem) => {
  const file = `version: 1\nproviders: { tencent: { region: ap-guangzhou }, alibaba: { region: cn-hangzhou } }\nfleets: { x: ${fleet} }\nrules: []\n`;
  expect(problemsIn(file)).toEqual([expect.stringContaining(problem)]);
});

test.each([
  ['{ from: "${event.id}", of: [web, nope] }', 'rules[0].run.fleet.of[1]: there is no fleet `nope`'],
  [
    '{ from: "${event.id}", of: [web, ecs] }',
    '`ecs` is of alibaba, and `web` of tencent: a command is of one cloud; write a rule for each',
  ],
  ['{ from: "${event.id}", of: [] }', 'rules[0].run.fleet'],
])('a choice of fleets %s is refused', (fleet, problem) => {
  const file = `version: 1\nproviders: { alibaba: { region: cn-hangzhou } }\n${TAGGED}\nrules:\n  - { name: r, on: alertmanager, run: { fleet: ${fleet}, command: cmd-1 } }\n`;
  expect(problemsIn(file)).toEqual([expect.stringContaining(problem)]);
});
