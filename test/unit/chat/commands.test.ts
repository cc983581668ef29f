/** The grammar of the chat: which words are which command, and what each answers and starts. */

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answerChat } from '../../../lib/chat/answer-chat.ts';
import { parseCommand, VERBS } from '../../../lib/chat/grammar.ts';
import type { ChatPort, ChatRun } from '../../../lib/chat/port.ts';
import { storePort } from '../../../lib/chat/store-port.ts';
import { toTime } from '../../../lib/chat/time.ts';
import type { EventRecord } from '../../../lib/model/decision.ts';
import { RunRequest } from '../../../lib/model/run-request.ts';
import { summariseRun } from '../../../lib/model/run-summary.ts';
import type { ChatData } from '../../../lib/model/trigger-event.ts';
import { rejectedRun } from '../../../lib/runs/new-run.ts';
import { parseChatCommand } from '../../../lib/sources/shared/chat-command.ts';
import { NO_CHAT } from '../../fixtures/no-chat.ts';
import { settingsOf } from '../../fixtures/source-settings.ts';
import { aChat, NOW, rulesOf } from '../rules/events.ts';

const RUN_ID = 'run-abcdefghijklmnopqrstuvwxyz';

const typed = (text: string, more: Partial<ChatData> = {}) =>
  aChat({ ...parseChatCommand('/fleet', text), ...more });

describe('what is typed', () => {
  it.each<[string, unknown]>([
    ['run patch-web', { verb: 'run', rule: 'patch-web', options: {} }],
    [
      'run patch-web service=nginx wait="5 s"',
      { verb: 'run', rule: 'patch-web', options: { service: 'nginx', wait: '5 s' } },
    ],
    ['Run patch-web', { verb: 'run', rule: 'patch-web', options: {} }],
    ['run', { verb: 'help', about: 'run', problem: 'expected the name of a rule' }],
    ['run a b', { verb: 'help', about: 'run', problem: 'expected key=value after the rule, came `b`' }],
    ['status', { verb: 'status' }],
    [`status ${RUN_ID}`, { verb: 'status', runId: RUN_ID }],
    ['status web', { verb: 'help', about: 'status', problem: 'expected one run, like run-…, came `web`' }],
    [`cancel ${RUN_ID}`, { verb: 'cancel', runId: RUN_ID }],
    [`cancel ${RUN_ID} ins-1 ins-2`, { verb: 'cancel', runId: RUN_ID, instances: ['ins-1', 'ins-2'] }],
    [`cancel ${RUN_ID} i-1,mi-2`, { verb: 'cancel', runId: RUN_ID, instances: ['i-1', 'mi-2'] }],
    ['cancel', { verb: 'help', about: 'cancel', problem: 'expected a run, like run-…' }],
    [
      `cancel ${RUN_ID} ${RUN_ID}`,
      {
        verb: 'help',
        about: 'cancel',
        problem: `expected a run, like run-…, and perhaps instances of it, came \`${RUN_ID} ${RUN_ID}\``,
      },
    ],
    [
      'schedule patch-web at 22:00+08:00 service=nginx',
      { verb: 'schedule', rule: 'patch-web', at: '22:00+08:00', options: { service: 'nginx' } },
    ],
    ['schedule patch-web at in 30m', { verb: 'schedule', rule: 'patch-web', at: 'in 30m', options: {} }],
    ['schedule patch-web in 30m', { verb: 'schedule', rule: 'patch-web', at: 'in 30m', options: {} }],
    [
      'schedule patch-web at 2026-12-24 22:00 +08:00',
      { verb: 'schedule', rule: 'patch-web', at: '2026-12-24 22:00 +08:00', options: {} },
    ],
    ['schedule', { verb: 'help', about: 'schedule', problem: 'expected the name of a rule' }],
    ['help', { verb: 'help' }],
    ['help run', { verb: 'help', about: 'run' }],
    ['', { verb: 'help' }],
    ['patch web', { verb: 'none' }],
    ['"run patch-web"', { verb: 'none' }],
    ['please run patch-web', { verb: 'none' }],
    ['service=nginx', { verb: 'help' }],
  ])('%s', (text, command) => {
    expect(parseCommand(typed(text), '/fleet').command).toEqual(command);
  });

  it.each(['schedule a', 'schedule a tomorrow', 'schedule a at', 'schedule a in'])(
    '%s is told how times are written',
    (text) => {
      expect(parseCommand(typed(text), '/fleet').command).toMatchObject({
        verb: 'help',
        about: 'schedule',
        problem: expect.stringContaining('22:00+08:00'),
      });
    },
  );

  it('after another command belongs to rules', () => {
    expect(parseCommand(aChat(parseChatCommand('/deploy', 'run web')), '/fleet').command).toEqual({
      verb: 'none',
    });
  });

  it('on a button is the verb itself', () => {
    const button = { ...aChat(parseChatCommand('cancel', RUN_ID)), type: 'chat.action' };
    expect(parseCommand(button, '/fleet').command).toEqual({ verb: 'cancel', runId: RUN_ID });
  });

  it('is read whatever it is', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const { command, perform } = parseCommand(typed(text), '/fleet');
        expect(perform === undefined).toBe(command.verb === 'none');
      }),
    );
  });
});

describe('a time', () => {
  // NOW is 2026-11-20T10:00:00Z.
  it.each([
    ['22:00+08:00', '2026-11-20T14:00:00.000Z'],
    ['22:00 +0800', '2026-11-20T14:00:00.000Z'],
    ['18:00+08:00', '2026-11-21T10:00:00.000Z'],
    ['02:00+08:00', '2026-11-20T18:00:00.000Z'],
    ['23:30-07:00', '2026-11-21T06:30:00.000Z'],
    ['10:01Z', '2026-11-20T10:01:00.000Z'],
    ['9:59z', '2026-11-21T09:59:00.000Z'],
    ['in 30m', '2026-11-20T10:30:00.000Z'],
    ['in 1h30m', '2026-11-20T11:30:00.000Z'],
    ['2026-12-24T22:00:00+08:00', '2026-12-24T14:00:00.000Z'],
    ['2026-12-24 22:00+08:00', '2026-12-24T14:00:00.000Z'],
    ['2026-12-24 22:00 +08:00', '2026-12-24T14:00:00.000Z'],
    ['2026-12-24T22:00Z', '2026-12-24T22:00:00.000Z'],
    ['22:00', undefined],
    ['24:00Z', undefined],
    ['22:60Z', undefined],
    ['22:00+25:00', undefined],
    ['2026-12-24T22:00:00', undefined],
    ['2026-02-30T22:00:00Z', undefined],
    ['in a while', undefined],
    ['tomorrow', undefined],
    ['', undefined],
  ])('%s', (text, expected) => {
    expect(toTime(text, NOW)).toBe(expected);
  });
});

const RUN = 'run: { provider: tencent, command: cmd-1, instances: ins-1';
const RULES = rulesOf(`
  - { name: patch-web, on: slack, byName: true, allow: { users: [U1] }, ${RUN}, parameters: { service: "\${event.data.options.service}" } } }
  - { name: reboot, on: slack, byName: true, allow: { users: [U2] }, ${RUN} } }
  - { name: careful, on: slack, byName: true, when: "event.data.options.env == 'test'", allow: { users: [U1] }, ${RUN}, timeout: 60s }, guards: { maxInstances: 20, cooldown: 5m } }
  - { name: in-place, on: slack, byName: true, allow: { users: [U1] }, ${RUN}, workingDirectory: /srv } }
  - { name: typed, on: slack, when: "event.data.args[0] == 'patch'", allow: { users: [U1] }, ${RUN} } }
  - { name: elsewhere, on: discord, byName: true, allow: { users: ['*'] }, ${RUN} } }
  - { name: stop-all, on: slack, byName: true, allow: { users: [U1] }, cancel: { rule: patch-web } }
  - { name: on-alert, on: alertmanager, ${RUN} } }
`);

const aRun = (rule: string): ChatRun => ({
  runId: RUN_ID,
  rule,
  status: 'running',
  instances: ['ins-1', 'ins-2'],
  counts: { succeeded: 1, running: 1 },
  tasks: [
    { instanceId: 'ins-1', status: 'succeeded', exitCode: 0 },
    { instanceId: 'ins-2', status: 'running' },
  ],
  requestedAt: '2026-11-20T09:59:00.000Z',
});

/** A port that knows runs of these rules, and keeps which rules it was asked for. */
function aPort(...rules: string[]): ChatPort & { asked: string[] } {
  const asked: string[] = [];
  return {
    ...NO_CHAT,
    asked,
    status: async (runId) => (runId === RUN_ID && rules[0] !== undefined ? aRun(rules[0]) : undefined),
    recent: async (wanted) => {
      asked.push(...wanted);
      return rules.filter((rule) => wanted.includes(rule)).map((rule) => ({ ...aRun(rule), tasks: [] }));
    },
  };
}

async function answerTo(text: string, port: ChatPort = aPort(), more: Partial<ChatData> = {}) {
  return await answerChat(typed(text, more), { ruleSet: RULES, port, now: NOW });
}

async function textOf(text: string, port?: ChatPort): Promise<string | undefined> {
  const answer = await answerTo(text, port);
  return answer.kind === 'none' ? undefined : answer.text;
}

describe('run', () => {
  it('starts exactly the rule that it names', async () => {
    const runId = await runIdOf('run patch-web service=nginx');
    expect(await answerTo('run patch-web service=nginx')).toEqual({
      kind: 'answered',
      text: `Rule \`patch-web\` started run \`${runId}\`.`,
      matched: [{ rule: 'patch-web', runId }],
      unmatched: [],
      requests: [
        expect.objectContaining({
          action: 'run',
          rule: 'patch-web',
          target: expect.objectContaining({
            command: 'cmd-1',
            instances: ['ins-1'],
            parameters: { service: 'nginx' },
          }),
        }),
      ],
    });
  });

  it.each([
    // Of a rule that they may not use people learn no more than of one that does not exist.
    ['run reboot', 'There is no rule `reboot` here; `help` lists those that you may run.'],
    ['run typed', '`typed` did not start: it is not run by its name: it lacks `byName: true`.'],
    ['run careful env=prod', "`careful` did not start: `event.data.options.env == 'test'` is false."],
    ['run careful', '`careful` did not start: `event.data.options.env`: no such key.'],
    ['run elsewhere', 'There is no rule `elsewhere` here; `help` lists those that you may run.'],
    ['run on-alert', 'There is no rule `on-alert` here; `help` lists those that you may run.'],
    ['run pach-web', 'There is no rule `pach-web` here; did you mean `patch-web`?'],
    // Somebody else's rules are not suggested.
    ['run rebot', 'There is no rule `rebot` here; `help` lists those that you may run.'],
    [
      'run patch-web servce=nginx',
      'Nothing started: `patch-web` has no option `servce`; did you mean `service`?',
    ],
    ['run in-place x=1', 'Nothing started: `in-place` has no option `x`; it reads none.'],
  ])('%s starts nothing and says why', async (text, expected) => {
    const answer = await answerTo(text);
    expect(answer).toMatchObject({ text: expected, requests: [] });
  });

  it('of a value that is not safe is refused, and the refusal recorded', async () => {
    expect(await answerTo('run patch-web service="a;b"')).toMatchObject({
      text: expect.stringMatching(/^Rule `patch-web` was refused \(run `run-\w{26}`\): /),
      requests: [{ action: 'reject', reason: { code: 'parameters.unsafe' } }],
      matched: [{ rule: 'patch-web', rejected: expect.any(String) }],
    });
  });
});

async function runIdOf(text: string): Promise<string | undefined> {
  const answer = await answerTo(text);
  return answer.kind === 'answered' ? answer.requests[0]?.runId : undefined;
}

async function requestsOf(text: string) {
  const answer = await answerTo(text);
  return answer.kind === 'answered' ? answer.requests : [];
}

describe('schedule', () => {
  it('asks for the rule’s run at that time, with all that the rule says of it', async () => {
    const [run] = await requestsOf('run careful env=test');
    const answer = await answerTo('schedule careful at 22:00+08:00 env=test');
    expect(answer).toMatchObject({
      text: expect.stringMatching(
        /^Rule `careful` is asked to run at 2026-11-20T14:00:00\.000Z \(`run-\w{26}`\)\. Its guards are asked now, and again at that time\.$/,
      ),
      requests: [
        {
          version: 2,
          action: 'schedule',
          rule: 'careful',
          target: { provider: 'tencent', command: 'cmd-1', instances: ['ins-1'] },
          at: '2026-11-20T14:00:00.000Z',
        },
      ],
    });
    const [later] = await requestsOf('schedule careful at 22:00+08:00 env=test');
    if (run?.action !== 'run' || later?.action !== 'schedule') throw new Error('another action');
    expect(later.target).toEqual(run.target);
    expect(later.execution).toEqual({
      guards: run.guards,
      onUnavailable: run.onUnavailable,
      deadlineMs: Date.parse(run.deadline) - NOW.getTime(),
    });
  });

  it('takes the working directory with it', async () => {
    const [later] = await requestsOf('schedule in-place in 5m');
    expect(later).toMatchObject({ target: { workingDirectory: expect.stringMatching(/^\//) } });
  });

  it.each([
    ['schedule patch-web in 7305d service=a', /^Nothing scheduled: 2046-\S+ is more than a year ahead/],
    ['schedule patch-web in 999999999d999999999d service=a', /^Nothing scheduled: expected a time like/],
    ['schedule stop-all in 5m', /^Nothing scheduled: `stop-all` has no `run` that could wait\.$/],
    ['schedule patch-web at noon service=a', /^Nothing scheduled: expected a time like/],
    ['schedule patch-web at 2026-01-01T00:00:00Z service=a', /^Nothing scheduled: .* is past/],
    ['schedule reboot in 5m', /^There is no rule `reboot` here/],
    ['schedule nothing in 5m', /^There is no rule `nothing` here/],
  ])('%s schedules nothing and says why', async (text, expected) => {
    expect(await answerTo(text)).toMatchObject({ text: expect.stringMatching(expected), requests: [] });
  });
});

describe('status', () => {
  it('of a run shows each instance', async () => {
    expect(await textOf(`status ${RUN_ID}`, aPort('patch-web'))).toBe(
      [
        `\`${RUN_ID}\` of \`patch-web\`: running (2 instances: 1 succeeded, 1 running), asked for at 2026-11-20T09:59:00.000Z`,
        '• ins-1: succeeded, exit code 0',
        '• ins-2: running',
      ].join('\n'),
    );
  });

  it.each(['reboot', 'elsewhere', 'on-alert', 'gone'])(
    'shows no run of %s to who may not use it',
    async (rule) => {
      expect(await textOf(`status ${RUN_ID}`, aPort(rule))).toBe(
        `There is no run \`${RUN_ID}\` that you may see here.`,
      );
    },
  );

  it('without a run asks for the newest of the rules that the person may use, and no others', async () => {
    const port = aPort('patch-web', 'reboot');
    expect(await textOf('status', port)).toMatch(/^`run-\w+` of `patch-web`: running .*$/);
    expect(port.asked).toEqual(['patch-web', 'careful', 'in-place', 'typed', 'stop-all']);
  });

  it('says that there is nothing', async () => {
    expect(await textOf('status')).toBe('There are no runs that you may see here.');
  });
});

describe('a freeze', () => {
  it('is said before the newest runs: nothing starts meanwhile', async () => {
    const port = { ...aPort(), frozenBecause: async () => 'ann has frozen all runs.' };
    expect(await textOf('status', port)).toBe(
      'ann has frozen all runs.\nThere are no runs that you may see here.',
    );
  });
});

const anEvent = (of: Partial<EventRecord> = {}): EventRecord => ({
  version: 1,
  action: 'event',
  source: 'alertmanager',
  eventId: 'e-1',
  type: 'alert.firing',
  subject: 'High5xx',
  time: '2026-11-20T09:58:00.000Z',
  receivedAt: '2026-11-20T09:58:01.000Z',
  matched: [],
  unmatched: [],
  ...of,
});

describe('events', () => {
  const withEvents = (...events: EventRecord[]): ChatPort => ({ ...aPort(), events: async () => events });
  const because = '`event.data.secret` is false';

  it('shows what the person’s rules did with them, and of no other rule that it exists', async () => {
    const events = withEvents(
      anEvent({
        matched: [
          { rule: 'patch-web', runId: RUN_ID },
          { rule: 'reboot', runId: RUN_ID },
        ],
      }),
      anEvent({ matched: [{ rule: 'careful', runId: RUN_ID, rejected: 'too many' }] }),
      anEvent({ source: 'github', type: 'deploy.push', unmatched: [{ rule: 'careful', because }] }),
      anEvent({ subject: 'of-others', matched: [{ rule: 'reboot', runId: RUN_ID }] }),
      anEvent({ subject: 'of-others', unmatched: [{ rule: 'elsewhere', because }] }),
    );
    expect(await textOf('events', events)).toBe(
      [
        `alertmanager alert.firing \`High5xx\` at 2026-11-20T09:58:01.000Z: \`patch-web\` started \`${RUN_ID}\``,
        `alertmanager alert.firing \`High5xx\` at 2026-11-20T09:58:01.000Z: \`careful\` was refused (\`${RUN_ID}\`)`,
        'github deploy.push `High5xx` at 2026-11-20T09:58:01.000Z: none of your rules fired',
      ].join('\n'),
    );
  });

  it('says that there are none', async () => {
    expect(await textOf('events')).toBe('There are no events that concern a rule of yours here.');
  });
});

describe('cancel', () => {
  it('asks for it in the name of who typed', async () => {
    const answer = await answerTo(`cancel ${RUN_ID}`, aPort('patch-web'));
    expect(answer).toEqual({
      kind: 'answered',
      text: `Run \`${RUN_ID}\` of \`patch-web\` is being cancelled.`,
      matched: [],
      unmatched: [],
      requests: [
        {
          version: 1,
          action: 'cancel',
          runId: expect.stringMatching(/^run-[a-z2-7]{26}$/),
          rule: 'patch-web',
          trigger: {
            source: 'slack',
            type: 'chat.command',
            id: 'e-1',
            actor: { id: 'U1', name: 'ada', chat: 'slack' },
          },
          notify: [],
          requestedAt: NOW.toISOString(),
          targetRunId: RUN_ID,
          by: 'slack/U1 (ada)',
        },
      ],
    });
  });

  it('takes instances of the run, and no others', async () => {
    const port = aPort('patch-web');
    const [known = ''] = (await port.status(RUN_ID))?.instances ?? [];
    expect(await answerTo(`cancel ${RUN_ID} ${known}`, port)).toMatchObject({
      text: `Run \`${RUN_ID}\` of \`patch-web\` is being cancelled on \`${known}\`.`,
      requests: [{ targetRunId: RUN_ID, instances: [known] }],
    });
    expect(await answerTo(`cancel ${RUN_ID} ${known} ins-other`, port)).toMatchObject({
      text: `Run \`${RUN_ID}\` has no \`ins-other\`: nothing was cancelled.`,
      requests: [],
    });
  });

  it.each(['reboot', 'elsewhere', 'on-alert'])('touches no run of %s', async (rule) => {
    expect(await answerTo(`cancel ${RUN_ID}`, aPort(rule))).toMatchObject({
      text: `There is no run \`${RUN_ID}\` that you may cancel here.`,
      requests: [],
    });
  });

  it('says that a run is over', async () => {
    const port: ChatPort = {
      ...aPort(),
      status: async () => ({ ...aRun('patch-web'), status: 'succeeded' }),
    };
    expect(await answerTo(`cancel ${RUN_ID}`, port)).toMatchObject({
      text: `Run \`${RUN_ID}\` of \`patch-web\` is over already: succeeded.`,
      requests: [],
    });
  });
});

describe('the port on the store', () => {
  const stored = (runId: string, rule: string, requestedAt: string) => {
    const request = RunRequest.parse({
      version: 2,
      action: 'reject',
      runId,
      rule,
      trigger: { source: 'slack', type: 'chat.command', id: 'e-1' },
      notify: [],
      requestedAt,
      reason: { code: 'x', message: 'no' },
    });
    if (request.action !== 'reject') throw new Error('a rejection');
    return rejectedRun(request, NOW);
  };
  const runs = [
    stored(RUN_ID, 'a', '2026-11-20T09:00:00.000Z'),
    stored(RUN_ID.replace('abc', 'abd'), 'b', '2026-11-20T09:30:00.000Z'),
    stored(RUN_ID.replace('abc', 'abe'), 'a', '2026-11-20T08:00:00.000Z'),
  ];
  const port = storePort({
    store: {
      get: async (runId) => runs.find((run) => run.runId === runId),
      list: async ({ rule, limit }) => ({
        runs: runs
          .filter((run) => run.rule === rule)
          .slice(0, limit)
          .map(summariseRun),
      }),
    },
    events: { list: async ({ limit }) => ({ events: [anEvent()].slice(0, limit) }) },
    guards: { freeze: async () => ({ by: 'ann', reason: 'month end' }) },
  });

  it('has the newest events, and why nothing is sent', async () => {
    expect([await port.events(1), await port.events(0)]).toEqual([[anEvent()], []]);
    expect(await port.frozenBecause(NOW)).toBe('ann has frozen all runs until it is lifted: month end.');
  });

  it('finds a run, and none by what is no id', async () => {
    expect(await port.status(RUN_ID)).toMatchObject({
      runId: RUN_ID,
      rule: 'a',
      status: 'rejected',
      counts: {},
    });
    expect(await port.status('nonsense')).toBeUndefined();
  });

  it('lists the newest of several rules', async () => {
    const newest = await port.recent(['a', 'b', 'c'], 2);
    expect(newest.map(({ rule, requestedAt }) => [rule, requestedAt])).toEqual([
      ['b', '2026-11-20T09:30:00.000Z'],
      ['a', '2026-11-20T09:00:00.000Z'],
    ]);
  });
});

describe('help', () => {
  it('names the verbs, and the rules that the person may run', async () => {
    expect(await textOf('help')).toBe(
      [
        '`run <rule> [key=value …]`: runs a rule now',
        '`status [run]`: how a run goes, or the newest runs',
        '`cancel <run> [instance …]`: cancels a run that is not over, or some instances of it',
        '`resume <run>`: goes on with a rollout that stopped, on the instances that it never reached',
        '`approve <run>`: approves a run that waits for a second person',
        '`deny <run> [why]`: denies a run that waits for a second person',
        '`schedule <rule> at <time> [key=value …]`: runs a rule later, once',
        '`events`: the newest events, and which of your rules they started',
        '`help [verb]`: says what can be typed',
        'You may run:',
        '• `patch-web service=…`',
        '• `careful env=…`',
        '• `in-place`',
        '• `stop-all`',
      ].join('\n'),
    );
  });

  it.each(VERBS.map(({ name, usage, summary }) => [name, `\`${usage}\`: ${summary}`]))(
    'of %s is its usage',
    async (name, expected) => {
      expect(await textOf(`help ${name}`)).toBe(expected);
    },
  );

  it('comes for a verb that was used wrongly', async () => {
    expect(await textOf('run')).toBe(
      'Not understood: expected the name of a rule.\n`run <rule> [key=value …]`: runs a rule now',
    );
  });
});

describe('docs/chat-ops.md', () => {
  const page = readFileSync(new URL('../../../docs/chat-ops.md', import.meta.url), 'utf8');

  it('names every verb', () => {
    const rows = [...page.matchAll(/^\| `([^`]+)` \| [^`|]+(?:;.*)?\|$/gm)].map(([, usage]) => usage);
    expect(rows.slice(0, VERBS.length).toSorted()).toEqual(VERBS.map(({ usage }) => usage).toSorted());
  });

  it('has a rule that works', async () => {
    const [, rules = ''] = /```yaml\nrules:\n([\s\S]*?)```/.exec(page) ?? [];
    const event = typed('run patch-web service=envoy', {
      user: { id: 'U2CERLKJA' },
      channel: { id: 'G8PSS9T3V' },
    });
    const answer = await answerChat(event, { ruleSet: rulesOf(rules), port: aPort(), now: NOW });
    expect(answer).toMatchObject({
      requests: [{ action: 'run', target: { parameters: { service: 'envoy' } } }],
    });
  });
});

it('what is no verb is left to the rules', async () => {
  expect(await answerTo('patch web')).toEqual({ kind: 'none' });
});

it('the command is the one that the source’s settings name', async () => {
  const ruleSet = { ...RULES, sources: { slack: settingsOf('slack', { command: '/ops' }) } };
  const context = { ruleSet, port: aPort(), now: NOW };
  const kinds = await Promise.all(
    ['/ops', '/fleet'].map(async (command) => {
      const answer = await answerChat(aChat(parseChatCommand(command, 'help')), context);
      return answer.kind;
    }),
  );
  expect(kinds).toEqual(['answered', 'none']);
});
