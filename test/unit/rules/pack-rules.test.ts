// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates of rules look like this
/** Packaged rules are the rules: they match and ask for the same, whichever of them are read. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { ancestorSearch } from '../../../lib/model/find-ancestors.ts';
import type { TriggerEvent } from '../../../lib/model/trigger-event.ts';
import { askRules } from '../../../lib/rules/ask-rules.ts';
import { loadRules } from '../../../lib/rules/load.ts';
import { matchNamed, rulesOn } from '../../../lib/rules/match.ts';
import { openRules } from '../../../lib/rules/open-rules.ts';
import { optionsOf } from '../../../lib/rules/options.ts';
import { packRules } from '../../../lib/rules/pack-rules.ts';
import type { RuleSet } from '../../../lib/rules/rule.ts';
import { SOURCES } from '../../../lib/sources/registry.ts';
import { normalisationOf } from '../../fixtures/received-events.ts';
import { samplesOf } from '../../fixtures/signed-requests.ts';
import { aChat, aDeploy, anAlert, NOW } from './events.ts';

const FILE = `version: 1
providers: { tencent: { region: ap-guangzhou }, alibaba: { region: cn-hangzhou } }
destinations: { ops: { sqs: ops-completions } }
limits: { runsPerRequest: 7 }
fleets:
  web: { provider: tencent, instances: [ins-1, ins-2] }
  tagged: { provider: tencent, tags: { role: web, '$': '["fleet","x"]' } }
sources:
  slack: { tenants: [T1] }
  generic: { signatureHeader: X-Acme-Signature, id: body.id }
rules:
  - name: all
    on: [alertmanager, github]
    when: "event.data.status == 'firing' && event.data.labels.alertname.matches('^High') || event.kind == 'deploy'"
    allow: { users: ['*'] }
    run:
      fleet: web
      command: cmd-1
      instances: '\${event.data.?labels.orValue({})[?"instance_id"].orValue("ins-1")}'
      parameters: { plain: a b, templated: 'x-\${event.id}-$\${y}', hidden: { value: '\${event.id}', secret: true } }
      patterns: { plain: '[a-z ]+', templated: '[^;]*', hidden: '[^;]+' }
      unsafe: [patterns]
      username: deploy
      timeout: 30s
      workingDirectory: /srv/app
      output: { bucket: 'https://logs-123454321.cos.ap-beijing.myqcloud.com' }
    guards: { dedupe: { key: event.id, window: 10m }, cooldown: 1m, maxInstances: 3 }
    notify: [ops]
  - { name: stop, on: alertmanager, when: "event.data.labels.alertname in ['Low', 'High5xx']", cancel: { rule: all, key: event.id } }
  - { name: tags, on: alertmanager, run: { provider: alibaba, command: c-1, instances: [i-1], tags: { $: '["expression","x"]' } } }
  - { name: asked, on: github, run: { fleet: tagged, command: cmd-4 }, guards: { maxShare: 10% } }
  - { name: chosen, on: [slack, alertmanager], allow: { users: ['*'] }, run: { fleet: { from: '\${event.data.?options.orValue({})[?"group"].orValue("tagged")}', of: [web, tagged] }, command: cmd-5 } }
  - { name: later, on: slack, allow: { users: ['*'] }, schedule: { fleet: web, command: cmd-2, at: '\${event.data.args[1]}' } }
  - { name: named, on: slack, byName: true, allow: { users: [U1] }, outputs: none, run: { fleet: web, command: cmd-3, parameters: { a: '\${event.data.options.a}' } } }
schedules:
  - { name: nightly, provider: tencent, command: cmd-9, instances: [ins-1], recurrence: '0 0 * * *' }
`;

function packed(file: string): { loaded: RuleSet; opened: RuleSet } {
  const loaded = loadRules(file, 'rules.yml', SOURCES.values());
  return { loaded, opened: openRules(packRules(loaded, file, SOURCES.values())) };
}

/** What an event asks of rules, and what each other rule says. */
function answer(ruleSet: RuleSet, event: TriggerEvent) {
  const { requests, others, whyNot } = askRules(ruleSet, event, { now: NOW, ancestorsOf: ancestorSearch() });
  return { requests, others, said: whyNot().map(({ rule, ...why }) => ({ name: rule.name, ...why })) };
}

describe('packaged rules', () => {
  const { loaded, opened } = packed(FILE);

  it('hold what the file says for all of them', () => {
    const { rules: _, index: __, warnings: ___, ...whole } = opened;
    const { rules: ____, warnings: _____, ...expected } = loaded;
    expect(whole).toEqual(expected);
  });

  it.each<[string, TriggerEvent]>([
    ['an alert', anAlert()],
    ['another alert', anAlert({ labels: { alertname: 'Low', instance_id: 'ins-3' } })],
    ['an alert without labels', anAlert({ labels: {}, status: 'resolved' })],
    ['a deploy', aDeploy()],
    ['a command', aChat({ args: ['patch', '30m'], tenant: 'T1' })],
    ['a command of another tenant', aChat({ args: ['patch', '30m'], tenant: 'T2' })],
  ])('make of %s what the file makes of it', (_, event) => {
    expect(answer(opened, event)).toEqual(answer(loaded, event));
  });

  it('are run by their name, with the options that they read', () => {
    const event = aChat({ options: { a: '1' }, tenant: 'T1' });
    const named = (ruleSet: RuleSet) => {
      const rule = [...rulesOn(ruleSet, 'slack')].find(({ name }) => name === 'named');
      if (rule === undefined) throw new Error('no rule');
      return [matchNamed(rule, event).fires, optionsOf(rule), rule.outputs];
    };
    expect(named(opened)).toEqual([true, ['a'], 'none']);
    expect(named(opened)).toEqual(named(loaded));
  });

  it('of rules.yml make of every sample what the file makes of it', async () => {
    const file = readFileSync(new URL('../../../rules.yml', import.meta.url), 'utf8');
    const both = packed(file);
    for (const { file: sample } of [...SOURCES.keys()].flatMap((source) => samplesOf(source))) {
      const normalisation = await normalisationOf(sample);
      for (const event of normalisation.kind === 'events' ? normalisation.events : []) {
        expect(answer(both.opened, event)).toEqual(answer(both.loaded, event));
      }
    }
  });

  it('hold the settings of every source as they were parsed', () => {
    for (const { name, settings } of SOURCES.values()) {
      const parsed = settings.parse({});
      expect([name, JSON.parse(JSON.stringify(parsed))]).toEqual([name, parsed]);
    }
  });
});

describe('of ten thousand packaged rules', () => {
  const names = Array.from({ length: 10_000 }, (_, index) => `Alert${index}`);
  const file = `version: 1\nrules:\n${names
    .map(
      (name) =>
        `  - { name: ${name.toLowerCase()}, on: alertmanager, when: event.data.labels.alertname == '${name}', run: { provider: tencent, region: ap-guangzhou, command: cmd-1, instances: ins-1 } }`,
    )
    .join('\n')}`;
  const text = packRules(loadRules(file, 'rules.yml', SOURCES.values()), file, SOURCES.values());

  it('an event reads those that it may fire, and those of which it is asked why not', () => {
    const opened = openRules(text);
    const parse = vi.spyOn(JSON, 'parse');
    const read = () => {
      const count = parse.mock.calls.length;
      parse.mockClear();
      return count;
    };
    const event = anAlert({ labels: { alertname: 'Alert9999' } });
    const { requests, others, whyNot } = askRules(opened, event, { now: NOW, ancestorsOf: ancestorSearch() });
    expect([requests.map(({ rule }) => rule), others, read()]).toEqual([['alert9999'], 9_999, 1]);
    expect(whyNot(100)).toHaveLength(100);
    expect(read()).toBe(100);
    parse.mockRestore();
  });

  it('each is found by its constant', () => {
    const opened = openRules(text);
    fc.assert(
      fc.property(fc.constantFrom(...names), (alertname) => {
        const { requests } = askRules(opened, anAlert({ labels: { alertname } }), {
          now: NOW,
          ancestorsOf: ancestorSearch(),
        });
        expect(requests.map(({ rule }) => rule)).toEqual([alertname.toLowerCase()]);
      }),
    );
  });
});
