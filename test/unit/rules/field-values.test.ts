/** Comparisons that no event can meet are refused when the rules are loaded, with what to write. */
import { expect, test } from 'vitest';
import { problemsIn } from './events.ts';

const RUN = 'run: { provider: tencent, command: cmd-1, instances: ins-1 }';

function problemsOf(on: string, when: string): string[] {
  return problemsIn(`version: 1
providers: { tencent: { region: ap-guangzhou } }
schedules:
  - { name: nightly, provider: tencent, command: cmd-1, instances: [ins-1], recurrence: '0 2 * * *' }
rules:
  - { name: deploy, on: github, ${RUN} }
  - { name: r, on: ${on}, when: ${JSON.stringify(when)}, ${RUN} }
`).map((line) => line.replace(/^r\.yml:7:\d+: rules\[1\]\.when: /, ''));
}

const STATUSES = /^`event\.data\.status` is never 'compleeted'; it is one of 'dispatching', .*'succeeded'/;

test.each([
  ['a field', 'fleet-reflex', "event.data.statsu == 'failed'", /no field `statsu`; did you mean `status`\?$/],
  ['a field in has', 'fleet-reflex', 'has(event.data.reson)', /no field `reson`; did you mean `reason`\?$/],
  [
    'a field of a field',
    'fleet-reflex',
    "event.data.trigger.sorce == 'x'",
    /`event\.data\.trigger` has no field `sorce`/,
  ],
  ['a status', 'fleet-reflex', "event.data.status == 'compleeted'", STATUSES],
  ['a status on the other side', 'fleet-reflex', "'compleeted' == event.data.status", STATUSES],
  ['a status that it is not', 'fleet-reflex', "event.data.status != 'compleeted'", STATUSES],
  ['one of several', 'fleet-reflex', "event.data.status in ['failed', 'compleeted']", STATUSES],
  [
    'deep inside',
    'fleet-reflex',
    "event.data.status == 'failed' && !(true || event['data'].status == 'compleeted')",
    STATUSES,
  ],
  ['a status, nearly', 'fleet-reflex', "event.data.status == 'suceeded'", /did you mean 'succeeded'\?$/],
  [
    'the type as it is published',
    'fleet-reflex',
    "event.type == 'fleet-reflex.run.complete'",
    /^`event\.type` is never 'fleet-reflex\.run\.complete'; did you mean 'completion\.run\.completed'\?$/,
  ],
  [
    'a type',
    'fleet-reflex',
    "event.type == 'completion.run.compleeted'",
    /did you mean 'completion\.run\.completed'\?$/,
  ],
  [
    'a rule',
    'fleet-reflex',
    "event.data.rule == 'depoly'",
    /^no rule or schedule of this file is 'depoly'; did you mean 'deploy', or, if it is a rule of another deployment: `event\.data\.rule\.matches\('\^depoly\$'\)`$/,
  ],
  ['the status of an alert', 'alertmanager', "event.data.status == 'fireing'", /did you mean 'firing'\?$/],
  ['the type of an alert', 'alertmanager', "event.type == 'alert.fired'", /did you mean 'alert\.firing'\?$/],
  ['a kind', '[alertmanager, github]', "event.kind == 'alret'", /it is one of 'alert', 'deploy'/],
  [
    'of two sources',
    '[alertmanager, fleet-reflex]',
    "event.data.status == 'fireing'",
    /did you mean 'firing'\?$/,
  ],
])('%s that does not exist is refused', (_, on, when, problem) => {
  expect(problemsOf(on, when)).toEqual([expect.stringMatching(problem)]);
});

test.each([
  [
    'what exists',
    'fleet-reflex',
    "event.type == 'completion.run.completed' && event.data.status in ['failed', 'unknown']",
  ],
  ['a rule and a schedule', 'fleet-reflex', "event.data.rule in ['deploy', 'nightly']"],
  [
    'fields of the completion',
    'fleet-reflex',
    "event.data.reason.code == 'x' && event.data.trigger.source == 'github' && event.data.counts['failed'] > 2.0",
  ],
  ['its original', 'fleet-reflex', "event.data.raw.anything == 'x'"],
  [
    'a rule of another deployment, as the message says',
    'fleet-reflex',
    "event.data.rule.matches('^depoly$')",
  ],
  ['an open list', 'github', "event.data.status == 'compleeted' && event.type == 'deploy.anything'"],
  ['labels', 'alertmanager', "event.data.labels.statsu == 'compleeted'"],
  ['of two sources, one of which is open', '[github, fleet-reflex]', "event.data.status == 'anything'"],
])('%s is taken', (_, on, when) => {
  expect(problemsOf(on, when)).toEqual([]);
});

test('of a source that does not exist only that is said', () => {
  expect(problemsOf('fleet-reflx', "event.data.statsu == 'compleeted'")).toEqual([
    expect.stringContaining('there is no source `fleet-reflx`; did you mean `fleet-reflex`?'),
  ]);
});

test("a rule may say that it is for every status: != ''", () => {
  expect(problemsOf('alertmanager', "event.data.status != ''")).toEqual([]);
  expect(problemsOf('alertmanager', "event.data.status == ''")).toEqual([
    expect.stringContaining("never ''"),
  ]);
});
