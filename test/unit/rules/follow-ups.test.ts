/** `onFailure` and `onSuccess` in a rules file: what is refused, and what a run is given for its end. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates of rules look like this
import { describe, expect, it, test } from 'vitest';
import type { FollowUp } from '../../../lib/model/run-request.ts';
import { shownRequest } from '../../../lib/model/secret-parameters.ts';
import { loadRules } from '../../../lib/rules/load.ts';
import { openRules } from '../../../lib/rules/open-rules.ts';
import { packRules } from '../../../lib/rules/pack-rules.ts';
import { renderRule } from '../../../lib/rules/render.ts';
import type { RuleSet } from '../../../lib/rules/rule.ts';
import { SOURCES } from '../../../lib/sources/registry.ts';
import { anAlert, problemsIn, rulesOf } from './events.ts';

const FLEETS =
  'fleets: { web: { provider: tencent, instances: [ins-1, ins-2] }, db: { provider: tencent, instances: [ins-9] } }';
const RUN = 'run: { fleet: web, command: cmd-1 }';

function problemsOf(...rules: readonly string[]): string[] {
  return problemsIn(
    `version: 1\nproviders: { tencent: { region: ap-guangzhou } }\n${FLEETS}\nrules:\n${rules.map((rule) => `  - { ${rule} }`).join('\n')}\n`,
  );
}

const FIRST = `name: first, on: alertmanager, ${RUN}`;

test.each<[string, string[], RegExp]>([
  [
    'a rule that is not there',
    [
      `${FIRST}, onFailure: { run: restoer }`,
      `name: restore, ${RUN}`,
      `${FIRST.replace('first', 'x')}, onFailure: { run: restore }`,
    ],
    /rules\[0\]\.onFailure\.run: there is no rule `restoer`; did you mean `restore`\?/,
  ],
  [
    'a rule on a source',
    [`${FIRST}, onSuccess: { run: b }`, `name: b, on: github, ${RUN}`],
    /`b` is on github: name a rule without `on`/,
  ],
  [
    'a rule that cancels',
    [`${FIRST}, onSuccess: { run: b }`, 'name: b, cancel: { rule: first }'],
    /`b` runs nothing/,
  ],
  [
    'a circle',
    [
      `${FIRST}, onFailure: { run: b }`,
      `name: b, ${RUN}, onFailure: { run: c }`,
      `name: c, ${RUN}, onSuccess: { run: b }`,
    ],
    /rules\[1\]\.onFailure\.run: leads back to itself|leads back to itself \(b → c → b\)/,
  ],
  [
    'itself',
    [`${FIRST}, onFailure: { run: b }`, `name: b, ${RUN}, onFailure: { run: b }`],
    /leads back to itself \(b → b\)/,
  ],
  [
    'too long a line',
    [
      `${FIRST}, onFailure: { run: b }`,
      ...['b', 'c', 'd', 'e'].map(
        (name, index, all) =>
          `name: ${name}, ${RUN}${all[index + 1] ? `, onFailure: { run: ${all[index + 1]} }` : ''}`,
      ),
    ],
    /rules\[3\]\.onFailure\.run: first → b → c → d → e: 4 runs before the last one, and `limits\.chainDepth` is 3/,
  ],
  [
    'a rule that nothing runs',
    [`name: b, ${RUN}`],
    /rules\[0\]\.on: is missing: expected the name of a source, or a list of names\. A rule without `on`/,
  ],
  [
    'a when without a source',
    [`${FIRST}, onFailure: { run: b }`, `name: b, when: 'true', ${RUN}`],
    /rules\[1\]\.when: is for rules with `on`/,
  ],
  [
    'a field that the event has not',
    [
      `${FIRST}, onFailure: { run: b }`,
      'name: b, run: { fleet: web, command: cmd-1, parameters: { x: "${event.data.sha}" } }',
    ],
    /`event\.data` has no field `sha`/,
  ],
  [
    'a status that is no failure',
    [`${FIRST}, onFailure: { run: b, statuses: [rejected] }`, `name: b, ${RUN}`],
    /rejected/,
  ],
  [
    'instances without a fleet',
    [
      `${FIRST}, onFailure: { run: b, instances: touched }`,
      'name: b, run: { provider: tencent, command: cmd-1, instances: [ins-1] }',
    ],
    /give it a `fleet` in which they must be/,
  ],
  [
    'a time that nobody knows',
    [
      `${FIRST}, onFailure: { run: b }`,
      "name: b, schedule: { fleet: web, command: cmd-1, at: '2027-01-01T00:00:00Z' }",
    ],
    /a duration after the end/,
  ],
  [
    'an unsafe choice of the event',
    [`${FIRST}, onFailure: { run: b }`, 'name: b, run: { fleet: web, command: "${event.data.name}" }'],
    /is chosen by the event/,
  ],
])('%s is refused', (_, rules, problem) => {
  const problems = problemsOf(...rules);
  expect(problems.join('\n')).toMatch(problem);
  expect(problems).toHaveLength(_ === 'a circle' ? 2 : 1);
});

const RULES = `
  - name: deploy
    on: alertmanager
    run: { fleet: web, command: cmd-1, instances: '\${event.data.labels.id}' }
    onFailure: { run: back, instances: touched, statuses: [failed, unknown] }
    onSuccess: { run: check }
  - name: back
    run:
      fleet: web
      command: cmd-2
      parameters: { to: '\${event.data.labels.version}', token: { value: '\${event.data.labels.token}', secret: true } }
      deadline: 5m
    guards: { dedupe: { key: event.data.fingerprint, window: 10m } }
    onFailure: { run: again }
  - { name: check, run: { fleet: db, command: cmd-3, parameters: { x: '\${event.data.annotations.missing}' } } }
  - { name: again, schedule: { fleet: db, command: cmd-4, at: 15m }, outputs: none }
`;
const LABELS = { id: 'ins-2', version: 'v41', token: 'hunter2secret' };

function asked(set: RuleSet, labels = LABELS): readonly FollowUp[] {
  const [rule] = set.rules;
  if (rule === undefined) throw new Error('no rule');
  const request = renderRule(rule, anAlert({ labels }), { now: new Date('2026-11-21T10:00:00Z') });
  if (request.action !== 'run') throw new Error(JSON.stringify(request));
  return JSON.parse(JSON.stringify(request.followUps ?? []));
}

describe('a run', () => {
  const rules = rulesOf(RULES, FLEETS);

  it('is given what may follow, rendered with its own event', () => {
    const [back, check] = asked(rules);
    expect(back).toMatchObject({
      rule: 'back',
      after: ['failed', 'unknown'],
      instances: 'touched',
      maxDepth: 3,
      asks: {
        action: 'run',
        target: {
          provider: 'tencent',
          region: 'ap-guangzhou',
          command: 'cmd-2',
          instances: ['ins-1', 'ins-2'],
          parameters: { to: 'v41', token: 'hunter2secret' },
        },
        deadlineMs: 300_000,
        guards: { dedupe: { windowMs: 600_000 } },
      },
      followUps: [
        {
          rule: 'again',
          after: ['failed', 'partly_failed', 'timed_out'],
          outputs: 'none',
          asks: { action: 'run', delayMs: 900_000, target: { instances: ['ins-9'] } },
        },
      ],
    });
    expect(check).toMatchObject({
      rule: 'check',
      after: ['succeeded'],
      asks: { action: 'reject', reason: { code: 'template.failed' } },
    });
  });

  it('is given the same by packaged rules', () => {
    const packed = openRules(packRules(rules, 'text', SOURCES.values()));
    expect(asked(packed)).toEqual(asked(rules));
  });

  it.each(["x'; rm -rf /", '$(reboot)', 'v1\nreboot'])(
    'is given a rejection for a hostile event: %s',
    (version) => {
      expect(asked(rules, { ...LABELS, version })[0]?.asks).toMatchObject({
        action: 'reject',
        reason: { code: 'parameters.unsafe' },
      });
    },
  );

  it('does not show the secrets of what follows', () => {
    const [rule] = rules.rules;
    if (rule === undefined) throw new Error('no rule');
    const request = renderRule(rule, anAlert({ labels: LABELS }), { now: new Date() });
    expect(JSON.stringify(request)).toContain('hunter2secret');
    expect(JSON.stringify(shownRequest(request))).not.toContain('hunter2secret');
  });

  it('of a rule without them has no field for them', () => {
    const [rule] = rulesOf(`  - { name: r, on: alertmanager, ${RUN} }`, FLEETS).rules;
    if (rule === undefined) throw new Error('no rule');
    expect(Object.keys(rule)).not.toContain('followUps');
    expect(renderRule(rule, anAlert({}), { now: new Date() })).not.toHaveProperty('followUps');
  });
});

describe('of a standing schedule', () => {
  const SCHEDULE = "name: nightly, fleet: web, command: cmd-1, recurrence: '0 2 * * *'";
  const file = (schedule: string, ...rules: readonly string[]) =>
    `version: 1\nproviders: { tencent: { region: ap-guangzhou } }\n${FLEETS}\nschedules:\n  - { ${schedule} }\nrules:\n${rules.map((rule) => `  - { ${rule} }`).join('\n')}\n`;

  it('what follows is rendered when the file is loaded, and is packaged with it', () => {
    const text = file(
      `${SCHEDULE}, onFailure: { run: again, instances: failed }, onSuccess: { run: tell }`,
      'name: again, schedule: { fleet: web, command: cmd-2, at: 15m }, guards: { cooldown: 12h }, onFailure: { run: tell }',
      `name: tell, ${RUN}`,
    );
    const { schedules } = loadRules(text, 'rules.yml', SOURCES.values());
    const [nightly] = schedules;
    expect(nightly?.followUps).toMatchObject([
      {
        rule: 'again',
        after: ['failed', 'partly_failed', 'timed_out'],
        instances: 'failed',
        asks: {
          action: 'run',
          target: { command: 'cmd-2' },
          guards: { cooldownMs: 43_200_000 },
          delayMs: 900_000,
        },
        followUps: [{ rule: 'tell' }],
      },
      { rule: 'tell', after: ['succeeded'] },
    ]);
    expect(JSON.parse(JSON.stringify(schedules))).toEqual(schedules);
  });

  test.each<[string, string, string, RegExp]>([
    ['a rule that is not there', 'agian', `name: again, ${RUN}`, /there is no rule `agian`; known: again/],
    [
      'a field of an event',
      'again',
      'name: again, run: { fleet: web, command: cmd-1, parameters: { id: "${event.data.body.id}" } }',
      /what follows it \(`again`\) would be rejected without an event/,
    ],
    [
      'the id of an event',
      'again',
      'name: again, run: { fleet: web, command: cmd-1, parameters: { id: "${event.id}" } }',
      /reads the id or the time of an event, and a standing schedule has none/,
    ],
    [
      'a secret',
      'again',
      'name: again, run: { fleet: web, command: cmd-1, parameters: { id: { value: hunter22, secret: true } } }',
      /has a secret parameter/,
    ],
    ['a rule on a source', 'again', `name: again, on: github, ${RUN}`, /name a rule without `on`/],
  ])('%s is refused', (_, run, rule, expected) => {
    const problems = problemsIn(
      file(
        `${SCHEDULE}, onFailure: { run: ${run} }`,
        FIRST,
        `${rule}`,
        ...(run === 'again' ? [] : [`name: x, on: github, ${RUN}, onFailure: { run: again }`]),
      ),
    );
    expect(problems.join('\n')).toMatch(expected);
  });
});
