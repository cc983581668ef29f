// biome-ignore-all lint/suspicious/noTemplateCurlyInString: rules are written with ${…}
/** A rule's secret, from the door to the end of its run: the cloud gets it, and nobody else ever sees it. */
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { linesOf, RunDetail } from '../../bin/run-lines.ts';
import type { CompletionEvent } from '../../lib/model/completion-event.ts';
import { runIdFor } from '../../lib/model/run-id.ts';
import type { RunRequest } from '../../lib/model/run-request.ts';
import { summariseRun } from '../../lib/model/run-summary.ts';
import { shownRequest } from '../../lib/model/secret-parameters.ts';
import { loadRules } from '../../lib/rules/load.ts';
import { describeRun } from '../../lib/runs/run-view.ts';
import { SOURCES } from '../../lib/sources/registry.ts';
import { messageOfEvent } from '../../lib/sources/shared/run-message.ts';
import { capturedLog } from '../fixtures/captured-log.ts';
import { eventOf } from '../fixtures/http-events.ts';
import { aRunWorld, type RunOnlyRequest, type RunWorld } from '../fixtures/run-world.ts';
import { startRunsTable } from '../fixtures/runs-table.ts';
import { encodeSample, samplesOf, signedRequest } from '../fixtures/signed-requests.ts';
import { aDoor } from '../fixtures/webhook-door.ts';

const SECRET = 'hunter2/s3cr3t+x';
const RULES = loadRules(
  `version: 1
providers: { tencent: { region: ap-guangzhou } }
rules:
  - name: rotate
    on: slack
    allow: { users: ['*'] }
    run:
      provider: tencent
      command: cmd-1
      instances: [ins-1, ins-2]
      parameters:
        token: { value: '\${event.data.options.token}', secret: true }
        service: web
`,
  'rules.yml',
  SOURCES.values(),
);

let table: Awaited<ReturnType<typeof startRunsTable>>;
let world: RunWorld;
let log: ReturnType<typeof capturedLog>;
let replied: CompletionEvent[];
beforeEach(async () => {
  table = await startRunsTable();
  world = aRunWorld(table);
  log = capturedLog();
  replied = [];
  world.context.log = log;
  world.context.publishing.reply = async (event) => {
    replied.push(event);
  };
});
afterEach(() => table.stop());

/** What a signed command makes of the rule, and everything that the door says and keeps of it. */
async function asked(token: string) {
  const [sample] = samplesOf('slack').filter(({ file }) => file === 'slack.json');
  if (sample === undefined) throw new Error('no sample');
  const value = { ...Object(sample.value), text: `rotate token=${token}` };
  const request = signedRequest('slack', encodeSample({ ...sample, value }));
  const door = aDoor({ ruleSet: RULES });
  const answer = await door.receive(eventOf('slack', request));
  const shown = JSON.stringify([answer, door.records, door.said, door.lines]);
  return { request: onlyOf(door.sent), shown };
}

function onlyOf(sent: readonly RunRequest[]): RunRequest {
  const [only, ...more] = sent;
  if (only === undefined || more.length > 0) throw new Error(`${sent.length} requests`);
  return only;
}

/** With the world's time. */
async function aRun(): Promise<RunOnlyRequest> {
  const { request } = await asked(SECRET);
  if (request.action !== 'run') throw new Error(`a ${request.action}`);
  const now = world.now();
  return {
    ...request,
    requestedAt: new Date(now).toISOString(),
    deadline: new Date(now + 900_000).toISOString(),
  };
}

function prints(output: string, more: Record<string, unknown> = {}): void {
  for (const { tasks } of world.cloud.taken) {
    for (const task of tasks.values()) Object.assign(task, { output: Buffer.from(output), ...more });
  }
}

async function endedRun(runId: string) {
  world.cloud.tasksAre('succeeded');
  world.advance(5_000);
  await world.poll();
  return await world.run(runId);
}

/** Everything that is in the table. */
async function stored(): Promise<string> {
  const { Items = [] } = await table.client.send(new ScanCommand({ TableName: table.table }));
  return JSON.stringify(Items, (_, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : value,
  );
}

/** Everything that people and programs are shown of the run. */
async function shown(runId: string): Promise<string> {
  const run = await world.run(runId);
  const view = describeRun(await world.context.store.outputs(run));
  const lines = linesOf(RunDetail.parse(JSON.parse(JSON.stringify(view))));
  const chats = replied.map(messageOfEvent);
  return JSON.stringify([summariseRun(run), view, lines, world.events, replied, chats, log.lines]);
}

describe('a secret parameter', () => {
  it('is in the request, and in nothing that the door says, keeps or logs', async () => {
    const { request, shown: atTheDoor } = await asked(SECRET);
    expect(request).toMatchObject({
      action: 'run',
      target: { parameters: { token: SECRET, service: 'web' }, secretParameters: ['token'] },
    });
    expect(atTheDoor).not.toContain(SECRET);
  });

  it('that may not be so is refused without a character of it', async () => {
    const { request, shown: atTheDoor } = await asked('"zqj$zqj"');
    expect(request).toMatchObject({ action: 'reject', reason: { code: 'parameters.unsafe' } });
    expect(JSON.stringify(request)).toContain('secret, and not shown');
    expect(atTheDoor).not.toMatch(/zqj|`\$`/);
  });

  it('reaches the cloud, is never shown, and is deleted at the end', async () => {
    const request = await aRun();
    await world.dispatch(request);
    expect(world.cloud.taken.map(({ invocation }) => invocation.target.parameters)).toEqual([
      { token: SECRET, service: 'web' },
    ]);
    expect(await shown(request.runId)).not.toContain(SECRET);
    world.cloud.tasksAre('succeeded');
    prints(`logging in with ${SECRET}\n`);
    world.advance(5_000);
    await world.poll();
    expect(world.told(request.runId)).toContain('succeeded');
    const seen = await shown(request.runId);
    expect(seen).not.toContain(SECRET);
    expect(seen).toContain('logging in with •••');
    expect(seen).toContain('token = •••');
    expect(await stored()).not.toContain(SECRET);
    expect((await world.run(request.runId)).target?.parameters).toEqual({ token: '•••', service: 'web' });
  });

  it('is there for each attempt, also to find the one whose answer was lost', async () => {
    world.cloud.next('loseAnswer');
    const request = await aRun();
    await world.dispatch(request);
    expect(await shown(request.runId)).not.toContain(SECRET);
    world.advance(120_000);
    await world.dispatch(request);
    expect(world.cloud.taken).toHaveLength(1);
    expect((await world.run(request.runId)).status).toBe('pending');
  });

  it.each([
    ['as it is', SECRET],
    ['as it stands in JSON', JSON.stringify(SECRET)],
    ['as it stands in a URL', encodeURIComponent(SECRET)],
  ])('is not repeated in the words of the cloud, %s', async (_, form) => {
    world.cloud.next({ refuse: { message: `The value ${form} is too long.`, advice: `Shorten ${form}.` } });
    const request = await aRun();
    await world.dispatch(request);
    expect((await world.run(request.runId)).status).toBe('failed');
    const seen = `${await shown(request.runId)}${await stored()}`;
    expect(seen).toContain('The value ');
    expect(seen).not.toContain(SECRET);
    expect(seen).not.toContain(encodeURIComponent(SECRET));
  });

  it('is not repeated while the run waits, nor in the error of a task', async () => {
    world.cloud.next({ refuse: { message: `${SECRET}: busy`, isRetryable: true } });
    const request = await aRun();
    await world.dispatch(request);
    expect(await shown(request.runId)).toContain('•••: busy');
    expect(await shown(request.runId)).not.toContain(SECRET);
    world.advance(60_000);
    await world.dispatch(request);
    world.cloud.tasksAre('failed');
    prints('', { error: { code: 'X', message: `with ${SECRET}`, advice: `not ${SECRET}` } });
    world.advance(5_000);
    await world.poll();
    expect(`${await shown(request.runId)}${await stored()}`).not.toContain(SECRET);
  });

  it('is in no reason, also where a rule has made its key of it', async () => {
    const guards = { dedupe: { key: SECRET, windowMs: 600_000 } };
    const first = { ...(await aRun()), guards };
    const second = { ...first, runId: runIdFor(first.rule, 'slack', 'another') };
    await world.dispatch(first);
    await world.dispatch(second);
    expect(await world.run(second.runId)).toMatchObject({ reason: { code: 'guard.dedupe' } });
    expect(await shown(second.runId)).toContain('for the same key');
    expect(await shown(second.runId)).not.toContain(SECRET);
    expect(JSON.stringify(shownRequest(first))).not.toContain(SECRET);
    for (const { guards: kept } of [await world.run(second.runId), await endedRun(first.runId)]) {
      expect(kept).toEqual({ dedupe: { key: '•••', windowMs: 600_000 } });
    }
  });

  it.each(['cancelled', 'expired'])('is forgotten by a run that was never sent: %s', async (how) => {
    world.cloud.next({ refuse: { message: 'busy', isRetryable: true } });
    const request = await aRun();
    await world.dispatch(request);
    expect(await stored()).toContain(SECRET);
    if (how === 'expired') world.advance(1_000_000);
    else {
      await world.context.store.save({
        ...(await world.run(request.runId)),
        cancelRequestedAt: new Date(world.now()).toISOString(),
        cancelledBy: 'test',
      });
      world.advance(120_000);
    }
    await world.poll();
    expect((await world.run(request.runId)).status).toBe(how === 'expired' ? 'expired' : 'stopped');
    expect(await stored()).not.toContain(SECRET);
  });
});
