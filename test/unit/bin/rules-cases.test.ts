// biome-ignore-all lint/suspicious/noTemplateCurlyInString: rules are written with ${…}
/** `fleet-reflex rules test` with files of cases, as people call it. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { command } from '../../../bin/commands/rules.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cases-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

const RULES = `version: 1
providers: { tencent: { region: ap-guangzhou } }
fleets: { web: { provider: tencent, instances: [ins-1, ins-2, ins-3] } }
rules:
  - name: restart
    on: alertmanager
    when: event.data.name == 'Down'
    run:
      fleet: web
      command: cmd-1
      instances: \${event.data.labels.id}
      parameters: { service: '\${event.data.labels.service}', token: { value: hunter2secret, secret: true } }
      deadline: 1m
    guards: { dedupe: { key: event.data.fingerprint, window: 10m }, maxInFlight: 1, maxPerHour: { runs: 4 } }
  - name: stop
    on: alertmanager
    when: event.data.status == 'resolved'
    cancel: { rule: restart, key: event.data.fingerprint }
  - name: patch
    on: slack
    byName: true
    allow: { users: [U1] }
    run: { fleet: web, command: cmd-2 }
`;

const readRules = () => readFileSync(join(folder, 'rules.yml'), 'utf8');

function aFile(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

async function test(...args: string[]) {
  const out: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((line) => out.push(String(line)));
  const code = await command.run(['test', ...args]);
  return { code, out };
}

/** Plays cases beside RULES; what is printed, without the folder. */
async function play(cases: string) {
  aFile('rules.yml', RULES);
  const file = aFile('rules.test.yml', `version: 1\ntakes: 20s\ncases:\n${cases}`);
  const { code, out } = await test(file);
  return { code, out: out.map((line) => line.replaceAll(`${folder}/`, '')) };
}

const down = (id: string, data = 'name: Down') =>
  `source: alertmanager, event: { kind: alert, data: { ${data}, fingerprint: ${id}, labels: { id: ${id}, service: web } } }`;
const RAN = 'expect: { runs: [{ rule: restart }] }';

it('passes when everything that was expected comes, and nothing else', async () => {
  const { code, out } = await play(`
  - { name: it runs, ${down('ins-1')}, expect: { runs: [{ rule: restart, provider: tencent, region: ap-guangzhou, command: cmd-1, instances: [ins-1], parameters: { service: web, token: ••• } }] } }
  - { name: nothing comes, after: 1m, expect: nothing }
`);
  expect({ code, out }).toEqual({
    code: 0,
    out: ['rules.test.yml', '  ✓ it runs', '  ✓ nothing comes', '\n2 cases in 1 file: all as expected.'],
  });
});

it('says of each difference where it stands and what came, and shows no secret', async () => {
  const { code, out } = await play(`
  - name: another command
    ${down('ins-1').replace(', event', '\n    event')}
    expect:
      runs:
        - { rule: restart, command: cmd-2, instances: [ins-2, ins-1] }
        - { rule: patch }
  - name: not expected
    after: 11m
    ${down('ins-1').replace(', event', '\n    event')}
    expect: nothing
`);
  expect(code).toBe(1);
  expect(out).toEqual([
    'rules.test.yml',
    '  ✗ another command',
    '      rules.test.yml:10:11: cases[0].expect.runs[0]: command: expected "cmd-2", came "cmd-1"',
    '      rules.test.yml:10:11: cases[0].expect.runs[0]: instances: expected ["ins-1","ins-2"], came ["ins-1"]',
    '      rules.test.yml:11:11: cases[0].expect.runs[1]: `patch`: nothing came of it, it is not on the source',
    '  ✗ not expected',
    '      rules.test.yml:16:13: cases[1].expect: `restart` is not expected here: run cmd-1 on ins-1 with service="web" token="•••"',
    '\n2 cases in 1 file: 2 not as expected.',
  ]);
});

it('remembers from case to case what the guards remember, with the times of the cases', async () => {
  const { code, out } = await play(`
  - { name: runs, ${down('ins-1')}, ${RAN} }
  - { name: again within its window, after: 9m, ${down('ins-1')}, expect: { stopped: [{ rule: restart, reason: guard.dedupe, message: window ends at }] } }
  - { name: again after it, after: 61s, ${down('ins-1')}, ${RAN} }
  - { name: another waits for the first, ${down('ins-2')}, expect: { runs: [{ rule: restart, waited: guard.in-flight }] } }
  - { name: a third for both, ${down('ins-3')}, expect: { runs: [{ rule: restart, waited: guard.in-flight }] } }
  - { name: the hour is full, after: 10m, ${down('ins-1')}, expect: { stopped: [{ rule: restart, reason: guard.max-per-hour }] } }
`);
  expect({ code, out }).toMatchObject({ code: 0, out: { length: 8 } });
});

it('counts events where a rule runs at the third', async () => {
  aFile('rules.yml', RULES.replace('guards: {', 'guards: { times: { key: "1", count: 3, within: 5m },'));
  const counted = 'expect: { stopped: [{ rule: restart, reason: guard.times }] }';
  const cases = ['ins-1', 'ins-2'].map((id) => `  - { name: ${id}, ${down(id)}, ${counted} }`);
  const file = aFile(
    'rules.test.yml',
    `version: 1\ncases:\n${cases.join('\n')}\n  - { name: third, ${down('ins-3')}, ${RAN} }\n  - { name: anew, ${down('ins-1')}, ${counted} }\n`,
  );
  expect(await test(file)).toMatchObject({ code: 0, out: { length: 6 } });
});

it('opens a breaker after failures, lets one run try, and closes after its success', async () => {
  aFile('rules.yml', RULES.replace('guards: {', 'guards: { breaker: { failures: 2, reset: 1h },'));
  const open = (message: string) =>
    `expect: { stopped: [{ rule: restart, reason: guard.breaker, message: ${message} }] }`;
  const file = aFile(
    'rules.test.yml',
    `version: 1
cases:
  - { name: fails, ends: failed, ${down('ins-1')}, ${RAN} }
  - { name: fails again, after: 1m, ends: failed, ${down('ins-2')}, ${RAN} }
  - { name: is open, after: 1m, ${down('ins-3')}, ${open('tried again at')} }
  - { name: is tried, after: 1h, ${down('ins-3')}, ${RAN} }
  - { name: is closed, after: 1m, ${down('ins-1')}, ${RAN} }
`,
  );
  expect(await test(file)).toMatchObject({ code: 0, out: { length: 7 } });
});

it('lets a newer run take the place of an older one, or leaves it out, as the rule says', async () => {
  const cases = (then: string, ...ofSecond: string[]) => {
    aFile('rules.yml', RULES.replace('maxInFlight: 1', `maxInFlight: { runs: 1, whenFull: ${then} }`));
    const all = [`{ name: first, ${down('ins-1')}, ${RAN} }`, ...ofSecond];
    return aFile(
      'rules.test.yml',
      `version: 1\ntakes: 40s\ncases:\n${all.map((one) => `  - ${one}\n`).join('')}`,
    );
  };
  const skip = cases(
    'skip',
    `{ name: second, after: 1s, ${down('ins-2')}, expect: { stopped: [{ rule: restart, reason: guard.in-flight }] } }`,
  );
  expect(await test(skip)).toMatchObject({ code: 0 });
  const replace = cases(
    'replace',
    `{ name: second, after: 1s, ${down('ins-2')}, expect: { runs: [{ rule: restart, waited: guard.in-flight }] } }`,
    `{ name: the first has ended, after: 5s, ${down('ins-1', 'name: Other, status: resolved')}, expect: { cancels: [{ rule: stop, runs: 0 }] } }`,
  );
  expect(await test(replace)).toMatchObject({ code: 0 });
});

it('keeps the latest event of a cooldown for its end', async () => {
  aFile('rules.yml', RULES.replace(/dedupe: .*?\}, maxInFlight: 1/, 'cooldown: { for: 10m, keep: last }'));
  const file = aFile(
    'rules.test.yml',
    `version: 1
cases:
  - { name: first, ${down('ins-1')}, ${RAN} }
  - { name: second, after: 1m, ${down('ins-2')}, expect: { stopped: [{ rule: restart, reason: guard.cooldown, message: later event }] } }
  - { name: third, after: 1m, ${down('ins-3')}, expect: { runs: [{ rule: restart, instances: [ins-3], waited: guard.cooldown }] } }
`,
  );
  // `cancel.key` needs a key of the rule: without dedupe there is none.
  writeFileSync(join(folder, 'rules.yml'), readRules().replace(', key: event.data.fingerprint }', ' }'));
  expect(await test(file)).toMatchObject({ code: 0, out: { length: 5 } });
});

it('runs on a share of the fleet at the same time', async () => {
  aFile('rules.yml', RULES.replace('maxInFlight: 1', 'maxShare: 67%'));
  const file = aFile(
    'rules.test.yml',
    `version: 1
cases:
  - { name: first, ${down('ins-1')}, ${RAN} }
  - { name: second, ${down('ins-2')}, ${RAN} }
  - { name: third, ${down('ins-3')}, expect: { runs: [{ rule: restart, waited: guard.max-share }] } }
`,
  );
  expect(await test(file)).toMatchObject({ code: 0, out: { length: 5 } });
});

it('gives up at its deadline what waits that long', async () => {
  const { code, out } = await play(`
  - { name: takes its time, takes: 10m, ${down('ins-1')}, ${RAN} }
  - { name: waits in vain, ${down('ins-2')}, expect: { stopped: [{ rule: restart, reason: guard.in-flight, message: before its deadline }] } }
`);
  expect({ code, out }).toMatchObject({ code: 0, out: { length: 4 } });
});

it('cancels what lives, and is heard by the kill switch', async () => {
  const { code, out } = await play(`
  - { name: runs, ${down('ins-1')}, ${RAN} }
  - { name: is over while it runs, after: 10s, ${down('ins-1', 'name: Other, status: resolved')}, expect: { cancels: [{ rule: stop, of: restart, key: ins-1, runs: 1 }] } }
  - { name: the place is free at once, ${down('ins-2')}, ${RAN} }
  - { name: is over when it has ended, after: 1m, ${down('ins-2', 'name: Other, status: resolved')}, expect: { cancels: [{ rule: stop, runs: 0 }] } }
  - { name: is frozen, frozen: true, after: 1m, ${down('ins-3')}, expect: { stopped: [{ rule: restart, reason: guard.freeze }] } }
`);
  expect({ code, out }).toMatchObject({ code: 0, out: { length: 7 } });
});

it('rehearses windows by the times of the cases', async () => {
  const run = 'run: { fleet: web, command: cmd-1, deadline: 8h }';
  aFile(
    'rules.yml',
    `version: 1
providers: { tencent: { region: ap-guangzhou } }
fleets: { web: { provider: tencent, instances: [ins-1] } }
freezes:
  - { name: month-end, cron: '0 18 28 * *', zone: Asia/Shanghai, for: 12h, except: [roll-back] }
rules:
  - { name: restart, on: alertmanager, when: event.data.name == 'Down', ${run}, guards: { lock: false } }
  - { name: patient, on: alertmanager, when: event.data.name == 'Down', ${run}, guards: { freeze: wait, lock: false } }
  - { name: roll-back, on: alertmanager, when: event.data.name == 'Down', ${run}, guards: { lock: false } }
  - { name: nightly, on: alertmanager, when: event.data.name == 'Night', ${run}, only: [{ name: nights, cron: '0 22 * * *', zone: UTC, for: 6h }] }
`,
  );
  const cases = aFile(
    'rules.test.yml',
    `version: 1
cases:
  - { name: outside of a maintenance window, at: 2026-11-28T09:00:00Z, ${down('n', 'name: Night')}, expect: { stopped: [{ rule: nightly, reason: guard.freeze, message: nights }] } }
  - { name: before it, at: 2026-11-28T09:59:59Z, ${down('a')}, expect: { runs: [{ rule: restart }, { rule: patient }, { rule: roll-back }] } }
  - { name: in it, at: 2026-11-28T15:00:00Z, ${down('b')}, expect: { stopped: [{ rule: restart, reason: guard.freeze, message: month-end }], runs: [{ rule: patient, waited: guard.freeze }, { rule: roll-back }] } }
  - { name: after it, at: 2026-11-28T22:00:00Z, ${down('c')}, expect: { runs: [{ rule: restart }, { rule: patient }, { rule: roll-back }] } }
  - { name: in a maintenance window, at: 2026-11-29T02:00:00Z, ${down('m', 'name: Night')}, expect: { runs: [{ rule: nightly }] } }
`,
  );
  const { code, out } = await test(cases);
  expect({ code, out: out.filter((line) => !line.includes('✓')) }).toEqual({
    code: 0,
    out: [cases, '\n5 cases in 1 file: all as expected.'],
  });
});

it('plays what a source sends, from a file or in place, at the time of the event', async () => {
  aFile(
    'slack.json',
    JSON.stringify({ command: '/fleet', text: 'run patch', user_id: 'U1', trigger_id: '1' }),
  );
  const { code, out } = await play(`
  - { name: from a file, event: slack.json, expect: { runs: [{ rule: patch, command: cmd-2, instances: [ins-3, ins-2, ins-1] }], answer: patch } }
  - { name: the same delivery, event: slack.json, expect: { stopped: [{ rule: patch, reason: run.known }] } }
  - { name: a stranger, source: slack, event: { command: /fleet, text: run patch, user_id: U2, trigger_id: '2' }, expect: { unmatched: [{ rule: patch, because: U2 }] } }
  - { name: no command, source: slack, event: { command: /fleet, text: run pach, user_id: U1, trigger_id: '3' }, expect: { answer: no rule } }
`);
  expect({ code, out }).toMatchObject({ code: 0, out: { length: 6 } });
});

it('lets time go by until what a person has scheduled is sent', async () => {
  const said = (text: string, id: string) =>
    `source: slack, event: { command: /fleet, text: ${text}, user_id: U1, trigger_id: '${id}' }`;
  const { code, out } = await play(`
  - { name: is scheduled, at: '2026-11-20T10:00:00Z', ${said("'schedule patch at 2026-11-20T22:00:00Z'", '1')}, expect: { schedules: [{ rule: patch, at: '2026-11-20T22:00:00Z' }] } }
  - { name: not yet, at: '2026-11-20T21:59:00Z', expect: nothing }
  - { name: runs at its time, after: 2m, expect: { runs: [{ rule: patch }] } }
`);
  expect({ code, out }).toMatchObject({ code: 0, out: { length: 5 } });
});

it.each([
  [
    "  - { name: a, event: x.json, expects: nothing }\n  - { name: b, after: 1m, expect: nothing, at: '2026-11-20T10:00:00Z' }",
    [
      '4:5: cases[0].expect: is missing: expected a map (key: value)',
      '4:31: cases[0]: there is no `expects` here; did you mean `expect`?',
    ],
  ],
  [
    "  - { name: b, after: 1m, expect: nothing, at: '2026-11-20T10:00:00Z' }\n  - { name: c, expect: nothing }\n  - { name: d, event: x.json, expect: { stopped: [{ rule: restrat, reason: guard.dedupe }] } }",
    [
      '4:23: cases[0].after: expected one of at and after, came both',
      '5:5: cases[1]: is missing: expected an event, or a time (at, after) until which nothing comes',
      '6:59: cases[2].expect.stopped[0].rule: there is no rule `restrat`; did you mean `restart`?',
    ],
  ],
])('names every mistake of the file with its place', async (cases, problems) => {
  await expect(play(cases)).rejects.toThrow(
    expect.objectContaining({
      code: 'cases.invalid',
      message: problems.map((problem) => `${folder}/rules.test.yml:${problem}`).join('\n'),
    }),
  );
});

it.each([
  ['event: nowhere.json', '4:23: cases[0].event: There is no file nowhere.json that can be read.'],
  [
    'event: { a: 1 }',
    '4:23: cases[0].event: This is no trigger event, and it is not clear who sent it: add `source`',
  ],
  ['source: githb, event: { kind: alert, data: {} }', '4:38: cases[0].event: This is no trigger event.'],
  [
    'source: githb, event: { kind: generic, type: generic.x, data: { body: 1 } }',
    '4:38: cases[0].event: there is no source `githb`; did you mean `github`?',
  ],
  ["at: '1999-01-01T00:00:00Z', event: { a: 1 }", '4:51: cases[0].event: This is no trigger event'],
])('tells of an event that cannot be read where it stands: %s', async (event, problem) => {
  const { code, out } = await play(`  - { name: a, ${event}, expect: nothing }`);
  expect([code, out[2]]).toEqual([1, expect.stringContaining(`rules.test.yml:${problem}`)]);
});

it('refuses cases that go back in time', async () => {
  const { out } = await play(`
  - { name: first, at: '2026-11-20T10:00:00Z', ${down('ins-1')}, ${RAN} }
  - { name: second, at: '2026-11-20T09:00:00Z', ${down('ins-2')}, ${RAN} }
`);
  expect(out[3]).toContain('cases[1].at: the case before it comes at 2026-11-20T10:00:00.000Z');
});

it('finds the cases of folders, and those beside the rules where none is named', async () => {
  const rules = aFile('rules.yml', RULES);
  const cases = `version: 1\ncases: [{ name: runs, ${down('ins-1')}, ${RAN} }]\n`;
  aFile('rules.test.yml', cases);
  mkdirSync(join(folder, 'more/deep'), { recursive: true });
  aFile('more/deep/other.test.yml', cases.replace('version: 1', 'version: 1\nrules: ../../rules.yml'));
  expect((await test('--rules', rules)).out.at(-1)).toBe('\n1 case in 1 file: all as expected.');
  expect((await test(folder)).out.at(-1)).toBe('\n2 cases in 2 files: all as expected.');
  expect(JSON.parse((await test(join(folder, 'more'), '--json')).out.join('\n'))).toEqual([
    { file: join(folder, 'more/deep/other.test.yml'), cases: [{ name: 'runs', line: 3, problems: [] }] },
  ]);
});

it('says what is missing', async () => {
  mkdirSync(join(folder, 'empty'));
  const empty = join(folder, 'empty');
  await expect(test(empty)).rejects.toMatchObject({ code: 'usage.invalid', details: { folder: empty } });
  await expect(test(join(folder, 'no.test.yml'))).rejects.toMatchObject({ code: 'cases.missing' });
  await expect(test(folder, '--rehearse')).rejects.toMatchObject({
    code: 'usage.invalid',
    details: { options: ['--source', '--rehearse'] },
  });
  const cases = `version: 1\ncases: [{ name: runs, ${down('ins-1')}, ${RAN} }]\n`;
  await expect(test(aFile('lonely.test.yml', cases))).rejects.toMatchObject({ code: 'rules.missing' });
});

const TAGGED = `version: 1
providers: { tencent: { region: ap-guangzhou } }
fleets:
  web: { provider: tencent, tags: { role: web } }
  db: { provider: tencent, instances: [ins-7] }
rules:
  - { name: all, on: alertmanager, when: "event.data.name == 'Down'", run: { fleet: web, command: cmd-1 }, guards: { maxShare: 50% } }
  - name: patch
    on: slack
    byName: true
    allow: { users: [U1] }
    run: { fleet: { from: '\${event.data.options.group}', of: [web, db] }, command: cmd-2 }
`;

async function playTagged(cases: string) {
  aFile('rules.yml', TAGGED);
  const { code, out } = await test(aFile('rules.test.yml', `version: 1\ntakes: 20s\n${cases}`));
  return { code, out: out.map((line) => line.replaceAll(`${folder}/`, '')) };
}

it('cases say which instances a tagged fleet has, and that it grew', async () => {
  const { code, out } = await playTagged(`fleets: { web: [ins-1] }
cases:
  - { name: one, ${down('a')}, expect: { runs: [{ rule: all, instances: [ins-1] }] } }
  - { name: all of three are more than half, fleets: { web: [ins-1, ins-2, ins-3] }, ${down('b')}, expect: { stopped: [{ rule: all, reason: guard.max-share, message: its 3 instances }] } }
  - { name: none, fleets: { web: [] }, ${down('c')}, expect: { stopped: [{ rule: all, reason: fleet.empty, message: role=web in ap-guangzhou }] } }
  - { name: by a person, fleets: { web: [ins-4] }, source: slack, event: { command: /fleet, text: run patch group=web, user_id: U1 }, expect: { runs: [{ rule: patch, instances: [ins-4] }] } }
  - { name: another, source: slack, event: { command: /fleet, text: run patch group=db, user_id: U1, trigger_id: t2 }, expect: { runs: [{ rule: patch, instances: [ins-7] }] } }
  - { name: one that is not allowed, source: slack, event: { command: /fleet, text: run patch group=prod, user_id: U1, trigger_id: t3 }, expect: { stopped: [{ rule: patch, reason: fleet.not-allowed, message: 'web, db' }] } }
`);
  expect(out.filter((line) => line.includes('✗') || line.includes('cases['))).toEqual([]);
  expect(code).toBe(0);
});

it('a tagged fleet that is not in the file of cases is said to be missing, and how it is written', async () => {
  const { out } = await playTagged(
    `cases:\n  - { name: all, ${down('a')}, expect: { stopped: [{ rule: all, reason: fleet.unread, message: 'write what it has as \`fleets: { web: [ins-…] }\`' }] } }\n`,
  );
  expect(out.at(-1)).toBe('\n1 case in 1 file: all as expected.');
});

it('a fleet of cases that is no tagged fleet of the rules is a mistake', async () => {
  await expect(
    playTagged(`fleets: { webb: [ins-1] }\ncases:\n  - { name: a, after: 1m, expect: nothing }\n`),
  ).rejects.toThrow('fleets.webb: there is no tagged fleet `webb`; did you mean `web`?');
});
