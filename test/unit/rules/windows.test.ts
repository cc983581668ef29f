/** Windows of a rules file: which hold for which rule, and what is wrong with them, with its place. */
import { expect, it } from 'vitest';
import { openRules } from '../../../lib/rules/open-rules.ts';
import { packRules } from '../../../lib/rules/pack-rules.ts';
import { renderRule } from '../../../lib/rules/render.ts';
import type { RuleSet } from '../../../lib/rules/rule.ts';
import { SOURCES } from '../../../lib/sources/registry.ts';
import { anAlert, NOW, problemsIn, rulesOf } from './events.ts';

const HOUR = 3_600_000;
const MONTH_END = { name: 'month-end', cron: '0 18 28 * *', zone: 'Asia/Shanghai', forMs: 12 * HOUR };
const FRIDAY = { name: 'friday', cron: '0 16 * * 5', zone: 'Asia/Shanghai', forMs: 8 * HOUR };
const NIGHTS = { name: 'nights', cron: '0 22 * * *', zone: 'UTC', forMs: 6 * HOUR };
const SUNDAY = { name: 'sunday', cron: '0 2 * * 0', zone: 'UTC', forMs: 3 * HOUR };

const WINDOWS = `freezes:
  - { name: month-end, cron: '0 18 28 * *', zone: Asia/Shanghai, for: 12h, except: [roll-back, free] }
only:
  - { name: nights, cron: '0 22 * * *', zone: UTC, for: 6h, except: [free] }`;
const RUN = 'run: { provider: tencent, command: cmd-1, instances: [ins-1] }';
const RULES = `  - { name: plain, on: alertmanager, ${RUN} }
  - { name: roll-back, on: alertmanager, ${RUN}, guards: { freeze: wait } }
  - { name: free, on: alertmanager, ${RUN}, guards: { freeze: reject } }
  - name: own
    on: alertmanager
    ${RUN}
    freezes: [{ name: friday, cron: '0 16 * * 5', zone: Asia/Shanghai, for: 8h }]
    only: [{ name: sunday, cron: '0 2 * * 0', zone: UTC, for: 3h }]
  - { name: stop, on: alertmanager, when: event.data.status == 'resolved', cancel: { rule: plain } }`;

function renderedBy({ rules }: RuleSet) {
  return Object.fromEntries(
    rules.flatMap((rule) => {
      const request = renderRule(rule, anAlert(), { now: NOW });
      if (request.action !== 'run') return [];
      const { windows, freeze } = request.guards;
      return [[rule.name, { windows, freeze }]];
    }),
  );
}

it('those that hold for a rule are in its request, packaged or not', () => {
  const ruleSet = rulesOf(RULES, WINDOWS);
  const expected = {
    plain: { windows: { freezes: [MONTH_END], only: [[NIGHTS]] }, freeze: undefined },
    'roll-back': { windows: { only: [[NIGHTS]] }, freeze: 'wait' },
    free: { windows: undefined, freeze: 'reject' },
    own: { windows: { freezes: [MONTH_END, FRIDAY], only: [[NIGHTS], [SUNDAY]] }, freeze: undefined },
  };
  expect(renderedBy(ruleSet)).toEqual(expected);
  expect(renderedBy(openRules(packRules(ruleSet, 'text', SOURCES.values())))).toEqual(expected);
});

it('a file without any asks for what it asked for before', () => {
  const [rule] = rulesOf(`  - { name: plain, on: alertmanager, ${RUN} }`).rules;
  const request = rule && renderRule(rule, anAlert(), { now: NOW });
  expect(request).toMatchObject({ guards: { maxPerHour: { runs: 100 } } });
  expect(Object.keys((request?.action === 'run' && request.guards) || {})).toEqual(['lock', 'maxPerHour']);
});

it.each([
  [
    'a zone that does not exist',
    "cron: '0 0 * * *', zone: Asia/Shangai, for: 1h",
    41,
    'there is no time zone `Asia/Shangai`; did you mean `Asia/Shanghai`?',
  ],
  ['a crontab of four fields', "cron: '0 0 * *', zone: UTC, for: 1h", 22, 'expected five crontab fields'],
  ['a crontab of six', "cron: '0 0 0 * * *', zone: UTC, for: 1h", 22, 'expected five crontab fields'],
  ['an hour that does not exist', "cron: '0 25 * * *', zone: UTC, for: 1h", 22, 'Invalid value for hour'],
  ['a day that does not exist', "cron: '0 0 31 2 *', zone: UTC, for: 1h", 22, 'it has no time'],
  ['a window that never closes', "cron: '0 * * * *', zone: UTC, for: 61m", 51, 'the window never closes'],
  ['a window of no time', "cron: '0 0 * * *', zone: UTC, for: 0s", 51, 'expected a duration from 1m to 31d'],
  ['a window without a zone', "cron: '0 0 * * *', for: 1h", 5, 'zone: is missing'],
  [
    'an exception that is no rule',
    "cron: '0 0 * * *', zone: UTC, for: 1h, except: [plan]",
    64,
    'there is no rule or schedule `plan`; did you mean `plain`?',
  ],
])('%s is a mistake of the file, with its place', (_, window, column, problem) => {
  const rules = `rules:\n  - { name: plain, on: alertmanager, ${RUN} }`;
  const file = `version: 1\nproviders: { tencent: { region: ap-guangzhou } }\nfreezes:\n  - { name: w, ${window} }\n${rules}\n`;
  const [first = '', ...others] = problemsIn(file);
  expect(others).toEqual([]);
  expect(first).toContain(problem);
  expect(first.split(' ')[0]).toMatch(new RegExp(`^r.yml:4:${column}:$`));
});

it('a window of a rule is checked like one of the file, and a cancel has none', () => {
  const problems = problemsIn(`version: 1
providers: { tencent: { region: ap-guangzhou } }
rules:
  - { name: plain, on: alertmanager, ${RUN}, only: [{ name: w, cron: '0 0 * * *', zone: Mars/Base, for: 1h }] }
  - { name: stop, on: alertmanager, cancel: { rule: plain }, only: [{ name: w, cron: '0 0 * * *', zone: UTC, for: 1h }] }
`);
  expect(problems).toEqual([
    expect.stringMatching(/:4:\d+: rules\[0\]\.only\[0\]\.zone: there is no time zone `Mars\/Base`/),
    expect.stringMatching(/:5:\d+: rules\[1\]\.only: only stand beside `run` and `schedule` only/),
  ]);
});

it('a standing schedule has the windows of the file, and does not name a time in one', () => {
  const at = (time: string, except = '') => `version: 1
providers: { tencent: { region: ap-guangzhou } }
freezes:
  - { name: month-end, cron: '0 18 28 * *', zone: Asia/Shanghai, for: 12h${except} }
rules: []
schedules:
  - { name: once, provider: tencent, command: cmd-1, instances: [ins-1], at: '${time}' }
`;
  expect(problemsIn(at('2026-11-28T12:00:00Z'))).toEqual([
    expect.stringMatching(
      /:7:\d+: schedules\[0\]\.at: it would not be run at that time: The window `month-end`/,
    ),
  ]);
  expect(problemsIn(at('2026-11-28T22:00:00Z'))).toEqual([]);
  expect(problemsIn(at('2026-11-28T12:00:00Z', ', except: [once]'))).toEqual([]);
});
