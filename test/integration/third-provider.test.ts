/** A cloud that is a folder and one line (test/fixtures/third-provider/): all that a rule needs of a cloud, it has. */
import { NO_CHAT } from '../fixtures/no-chat.ts';
import '../fixtures/third-provider/register.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CloudsConfig, readConfig } from '../../lib/config.ts';
import { silent } from '../../lib/logging.ts';
import type { RunRequest } from '../../lib/model/run-request.ts';
import { checkRequest } from '../../lib/runs/check-request.ts';
import { decide } from '../../lib/runs/decide.ts';
import { dispatchRun } from '../../lib/runs/dispatch.ts';
import { poll } from '../../lib/runs/poll.ts';
import { closeProviders, providersOf, schedulesOf } from '../../lib/wiring/providers.ts';
import { parseFleet } from '../../local/fleet/fleet-file.ts';
import { rememberedContents } from '../fixtures/remembered-contents.ts';
import { aRunWorld } from '../fixtures/run-world.ts';
import { startRunsTable } from '../fixtures/runs-table.ts';
import { API_TOKEN, startSmallCloud } from '../fixtures/third-provider/server.ts';
import { anAlert, problemsIn, rulesOf } from '../unit/rules/events.ts';

const MACHINES = ['i-0001', 'i-0002', 'i-0003'];
const HEAD = 'version: 1\nproviders: { smallcloud: { region: here-1 } }\n';
const TARGET = 'provider: smallcloud, command: doc-restart, instances: [i-0001, i-0002, i-0003]';

let table: Awaited<ReturnType<typeof startRunsTable>>;
let cloud: Awaited<ReturnType<typeof startSmallCloud>>;
let providers: Awaited<ReturnType<typeof providersOf>>;

beforeEach(async () => {
  table = await startRunsTable();
  cloud = await startSmallCloud(MACHINES);
  providers = await opened({ SMALLCLOUD_TOKEN: API_TOKEN });
});
afterEach(async () => {
  await closeProviders(providers);
  await cloud.stop();
  await table.stop();
});

async function opened(env: Record<string, string>) {
  return await providersOf(readConfig(CloudsConfig, { SMALLCLOUD_ENDPOINT: cloud.url, ...env }));
}

/** What the rules make of a firing alert, as it lies on the runs queue. */
async function decided(rules: string): Promise<RunRequest[]> {
  const sent: RunRequest[] = [];
  const ruleSet = rulesOf(rules, 'fleets: {}');
  const now = () => new Date();
  await decide(
    [{ ...anAlert(), time: now().toISOString() }],
    { askedAt: now() },
    {
      ruleSet,
      runsQueue: { send: async (requests) => void sent.push(...requests) },
      recordsQueue: { send: async () => undefined },
      chat: NO_CHAT,
      contents: rememberedContents(),
      log: silent,
      now,
    },
  );
  return sent;
}

const RULE = `  - name: restart
    on: alertmanager
    run:
      provider: smallcloud
      region: here-1
      command: doc-restart
      instances: [i-0001, i-0002, i-0003]
      parameters: { service: '\${event.data.labels.service}' }
      timeout: 60s
`;

async function theRequest(): Promise<Extract<RunRequest, { action: 'run' }>> {
  const [request] = await decided(RULE);
  if (request?.action !== 'run') throw new Error(`no run: ${JSON.stringify(request)}`);
  return request;
}

function aWorld() {
  const world = aRunWorld(table);
  return { ...world, context: { ...world.context, providers } };
}

test('a rule runs there: decided, dispatched in its limit, polled, told', async () => {
  const world = aWorld();
  const request = await theRequest();
  checkRequest(request, new Date());
  expect(await dispatchRun(request, world.context)).toMatchObject({
    kind: 'done',
    run: { status: 'pending' },
  });
  cloud.endAll();
  world.advance(5_000);
  await poll(world.context);
  expect(await world.context.store.get(request.runId)).toMatchObject({ status: 'succeeded', outbox: [] });
  expect([...cloud.taken.values()].map(({ command, instances }) => [command, instances])).toEqual([
    ['doc-restart', ['i-0001', 'i-0002']],
    ['doc-restart', ['i-0003']],
  ]);
  expect(world.events.at(-1)?.data).toMatchObject({
    provider: 'smallcloud',
    region: 'here-1',
    status: 'succeeded',
    counts: { succeeded: 3 },
    invocationIds: ['exec-1', 'exec-2'],
    tasks: MACHINES.map((instanceId) => ({ instanceId, exitCode: 0, output: '{"service":"web"}' })),
  });
});

test('an answer that was lost is found by its token, and nothing runs twice', async () => {
  const world = aWorld();
  const request = await theRequest();
  cloud.loseNextAnswer();
  await dispatchRun(request, world.context);
  world.advance(120_000);
  await dispatchRun(request, world.context);
  expect(await world.context.store.get(request.runId)).toMatchObject({
    invocations: [
      { state: 'sent', invocationId: 'exec-1' },
      { state: 'sent', invocationId: 'exec-2' },
    ],
  });
  expect(cloud.taken.size).toBe(2);
});

test('what answers in its place leaves the outcome open: nothing is thrown', async () => {
  const { target } = await theRequest();
  cloud.answersHtml(true);
  const outcome = await providers['smallcloud']?.invoke({ token: 't', target, labels: {} });
  expect(outcome).toMatchObject({ kind: 'unknown', failure: { code: 'InvalidAnswer', isRetryable: true } });
});

test('its credentials are asked for as those of every cloud', async () => {
  const without = await opened({});
  try {
    await expect(without['smallcloud']?.availability('here-1', MACHINES)).rejects.toThrow(
      /no credentials for Small Cloud: set SMALLCLOUD_TOKEN, /,
    );
  } finally {
    await closeProviders(without);
  }
});

test.each([
  ['run', 'username: deploy', 'username: Small Cloud takes it from the stored command alone'],
  ['run', 'workingDirectory: /srv', 'workingDirectory: Small Cloud takes it from the stored command alone'],
  ['run', 'timeout: 10s', 'timeout: smallcloud takes 30s or more'],
  ['run', 'tags: { a: b }', 'tags: Small Cloud has no tags'],
  ['run', 'output: { bucket: b }', 'output: Small Cloud stores no output'],
  ['run', 'terminationMode: Process', 'terminationMode: Small Cloud always ends all'],
  ['schedule', "recurrence: '0 0 * * *'", 'recurrence: Small Cloud has no words for it; use `at`'],
])('rules check refuses a %s with %s, which the cloud lacks', (action, field, problem) => {
  const rule = `${HEAD}rules:\n  - { name: r, on: alertmanager, ${action}: { ${TARGET}, ${field} } }\n`;
  expect(problemsIn(rule)).toEqual([expect.stringContaining(`rules[0].${action}.${problem}`)]);
});

test('rules check refuses a fleet by tags, of which the cloud cannot be asked', () => {
  const file = `${HEAD}fleets: { web: { provider: smallcloud, region: here-1, tags: { role: web } } }\nrules: []\n`;
  expect(problemsIn(file)).toEqual([
    expect.stringContaining('fleets.web.tags: Small Cloud cannot list machines by their tags'),
  ]);
});

test('rules check refuses a standing schedule where the cloud starts nothing by itself', () => {
  const file = `${HEAD}rules: []\nschedules:\n  - { name: s, ${TARGET}, at: '2030-01-01T00:00:00Z' }\n`;
  expect(problemsIn(file)).toEqual([
    expect.stringContaining('schedules[0]: smallcloud starts no command by itself; write a rule with'),
  ]);
  expect(Object.keys(schedulesOf(providers))).toEqual(['tencent', 'alibaba']);
});

test('an id that two clouds could have is of the cloud that the rule says', () => {
  const rule = (target: string) =>
    `${HEAD}rules:\n  - { name: r, on: alertmanager, run: { ${target}, region: here-1 } }\n`;
  expect(problemsIn(rule('provider: smallcloud, command: doc-1, instances: i-00aa'))).toEqual([]);
  expect(problemsIn(rule('provider: alibaba, command: c-1, instances: i-00aa'))).toEqual([]);
  expect(problemsIn(rule('provider: smallcloud, command: c-1, instances: i-00zz'))).toEqual([
    expect.stringContaining('rules[0].run.command: expected a command of smallcloud, doc-…'),
    expect.stringContaining('rules[0].run.instances: expected an instance id of smallcloud, i-…'),
  ]);
});

test('a local instance whose id two clouds could have says whose it is', () => {
  const fleet = (instance: string) =>
    parseFleet(`version: 1\ninstances: [{ ${instance} }]\n`).instances[0]?.provider;
  const refusedFor = (problem: RegExp) =>
    expect.objectContaining({
      code: 'fleet.invalid',
      details: { problems: [expect.stringMatching(problem)] },
    });
  expect(() => fleet('id: i-00aa')).toThrow(
    refusedFor(/instances\.0\.id: .*\balibaba or smallcloud\b.*`provider`/),
  );
  expect(fleet('id: i-00aa, provider: smallcloud')).toBe('smallcloud');
  expect(fleet('id: i-00aa, provider: alibaba')).toBe('alibaba');
  expect(fleet('id: i-local001')).toBe('alibaba');
  expect(() => fleet('id: i-00aa, provider: tencent')).toThrow(
    refusedFor(/instances\.0\.id: .*\bof tencent$/),
  );
});

test('a message with an unsupported field, or an unknown cloud, is set aside', async () => {
  const { target, ...request } = await theRequest();
  const asking = (more: object) => () => {
    checkRequest({ ...request, target: { ...target, ...more } }, new Date());
  };
  expect(asking({})).not.toThrow();
  expect(asking({ username: 'deploy' })).toThrow(
    expect.objectContaining({ code: 'request.invalid', disposition: 'hold' }),
  );
  expect(asking({ provider: 'nowhere' })).toThrow(
    expect.objectContaining({ code: 'provider.unknown', disposition: 'hold' }),
  );
});

test('its rules are for clouds that are registered, and a mistyped one is told', () => {
  const file = `version: 1\nrules:\n  - { name: r, on: alertmanager, run: { provider: smalcloud, region: here-1, command: doc-1, instances: i-0001 } }\n`;
  expect(problemsIn(file)).toEqual([
    expect.stringContaining(
      'expected tencent or alibaba or smallcloud, came "smalcloud"; did you mean `smallcloud`?',
    ),
  ]);
});
