/** Rules that start each other by their completion events, with everything that runs told to the door again. */

import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silent } from '../../lib/logging.ts';
import type { CompletionEvent } from '../../lib/model/completion-event.ts';
import { runIdFor } from '../../lib/model/run-id.ts';
import type { TriggerEvent } from '../../lib/model/trigger-event.ts';
import { decide } from '../../lib/runs/decide.ts';
import { describeRun } from '../../lib/runs/run-view.ts';
import { SOURCES } from '../../lib/sources/registry.ts';
import { requestOfMessage } from '../../lib/sources/source.ts';
import { NO_CHAT } from '../fixtures/no-chat.ts';
import { rememberedContents } from '../fixtures/remembered-contents.ts';
import { aRunsQueueWorld } from '../fixtures/runs-queue-world.ts';
import { startRunsTable } from '../fixtures/runs-table.ts';
import { settingsOf } from '../fixtures/source-settings.ts';
import { aChat, anAlert as anAlertOfThen, rulesOf } from '../unit/rules/events.ts';

let table: Awaited<ReturnType<typeof startRunsTable>>;
beforeEach(async () => {
  table = await startRunsTable();
});
afterEach(() => table.stop());

const RUN = 'run: { provider: tencent, command: cmd-1, instances: ins-1 }, notify: [feedback]';
const FEEDBACK = 'destinations: { feedback: { sqs: events } }';

/** Of today: what is older than the service remembers is refused. */
const anAlert = (...given: Parameters<typeof anAlertOfThen>) => ({
  ...anAlertOfThen(...given),
  time: new Date().toISOString(),
});

/** What somebody between the destination and the door makes of an event: the source, and the body that it sees. */
type Forwarder = (event: CompletionEvent) => [source: string, body: unknown];

const asItIs: Forwarder = (event) => ['fleet-reflex', event];

function anArc(rules: string, forward: Forwarder = asItIs, limits = '') {
  const world = aRunsQueueWorld(table);
  const ruleSet = rulesOf(rules, `${FEEDBACK}\n${limits}`);
  let seen = 0;
  const ask = async (events: readonly TriggerEvent[]): Promise<void> => {
    const messages: unknown[] = [];
    await decide(
      events,
      { askedAt: world.context.now() },
      {
        ruleSet,
        runsQueue: { send: async (requests) => void messages.push(...requests) },
        recordsQueue: { send: async (records) => void messages.push(...records) },
        contents: rememberedContents(),
        chat: NO_CHAT,
        log: silent,
        now: world.context.now,
      },
    );
    for (const message of messages) await world.take(message);
  };
  return {
    ...world,
    ask,
    /** Every event that was told since the last round comes in again; @returns how many there were. */
    async round(): Promise<number> {
      world.cloud.tasksAre('succeeded');
      world.advance(2_000);
      await world.poll();
      const told = world.events.slice(seen);
      seen = world.events.length;
      for (const event of told) {
        const [name, body] = forward(event);
        const source = SOURCES.get(name);
        const context = { secrets: [''], now: world.context.now(), settings: settingsOf('fleet-reflex') };
        const normalised = source?.receiveMessage(requestOfMessage(JSON.stringify(body)), context);
        if (normalised?.kind === 'events') await ask(normalised.events);
      }
      return told.length;
    },
    runs: async () => {
      const { runs } = await world.context.store.list({ limit: 100 });
      return await Promise.all(runs.toReversed().map(({ runId }) => world.run(runId)));
    },
  };
}

/** Round after round, until nothing more is told. */
async function untilQuiet(arc: ReturnType<typeof anArc>): Promise<string[]> {
  for (let rounds = 0; (await arc.round()) > 0; rounds += 1) {
    if (rounds > 12) throw new Error('it goes on and on');
  }
  return (await arc.runs()).map(
    ({ rule, status, reason }) => `${rule} ${status}${reason === undefined ? '' : ` ${reason.code}`}`,
  );
}

const ON_ALERT = `  - { name: first, on: alertmanager, ${RUN} }`;

describe('a rule on completions', () => {
  const itself = `${ON_ALERT}
  - { name: again, on: fleet-reflex, when: event.type == 'completion.run.completed', ${RUN} }`;

  it('runs once for a run, and not for its own', async () => {
    const arc = anArc(itself);
    await arc.ask([anAlert()]);
    expect(await untilQuiet(arc)).toEqual([
      'first succeeded',
      'again succeeded',
      'again rejected guard.loop',
    ]);
  });

  it('has the runs that led to it in its view and in its events', async () => {
    const arc = anArc(itself);
    await arc.ask([anAlert()]);
    await untilQuiet(arc);
    const [first, again, stopped] = await arc.runs();
    const line = [{ rule: 'first', runId: first?.runId }];
    expect([first, again, stopped].map((run) => run && describeRun(run).ancestry)).toEqual([
      [],
      line,
      [...line, { rule: 'again', runId: again?.runId }],
    ]);
    const told = arc.events.filter(({ subject }) => subject === again?.runId);
    expect(told.map(({ data }) => data.ancestry)).toEqual(told.map(() => line));
    expect(arc.events.filter(({ subject }) => subject === stopped?.runId)).toEqual([]);
    expect(stopped).toMatchObject({ outbox: [] });
    expect(stopped?.pollAt).toBeUndefined();
    expect(stopped?.reason).toMatchObject({
      code: 'guard.loop',
      message: expect.stringContaining('first → again → again'),
    });
  });

  it('runs for whoever started the chain', async () => {
    const arc = anArc(
      itself.replace('alertmanager', 'slack').replace('run:', "allow: { users: ['*'] }, run:"),
    );
    await arc.ask([{ ...aChat(), time: new Date().toISOString() }]);
    await untilQuiet(arc);
    const ada = { id: 'U1', name: 'ada', chat: 'slack' };
    expect((await arc.runs()).map(({ rule, trigger }) => [rule, trigger.actor])).toEqual([
      ['first', ada],
      ['again', ada],
      // Known at the door, before any run is read.
      ['again', undefined],
    ]);
    const told = arc.events.map(({ data }) => data.trigger.actor);
    expect(told).toEqual(told.map(() => ada));
  });

  it('is not fed by what a freeze rejects', async () => {
    const arc = anArc(`${ON_ALERT}
  - { name: on-rejected, on: fleet-reflex, when: event.type == 'completion.run.rejected', ${RUN} }`);
    await arc.context.guards.setFreeze({ by: 'ada', reason: 'incident' });
    await arc.ask([anAlert()]);
    expect(await untilQuiet(arc)).toEqual([
      'first rejected guard.freeze',
      'on-rejected rejected guard.freeze',
      'on-rejected rejected guard.loop',
    ]);
  });

  it('is not fed by what its own parameters reject', async () => {
    const arc = anArc(`${ON_ALERT}
  - { name: unsafe, on: fleet-reflex, run: { provider: tencent, command: cmd-1, instances: ins-1, parameters: { a: '\${event.data.raw.none}' } }, notify: [feedback] }`);
    await arc.ask([anAlert()]);
    const ended = await untilQuiet(arc);
    expect(ended.filter((line) => line.endsWith('template.failed')).length).toBe(3);
    expect(ended.filter((line) => line.endsWith('guard.loop')).length).toBe(3);
  });
});

describe('two rules that start each other', () => {
  it('stop when the chain comes back', async () => {
    const arc = anArc(`${ON_ALERT}
  - { name: ping, on: fleet-reflex, when: event.type == 'completion.run.completed' && event.data.rule != 'ping', ${RUN} }
  - { name: pong, on: fleet-reflex, when: event.type == 'completion.run.completed' && event.data.rule == 'ping', ${RUN} }`);
    await arc.ask([anAlert()]);
    expect(await untilQuiet(arc)).toEqual([
      'first succeeded',
      'ping succeeded',
      'pong succeeded',
      'ping rejected guard.loop',
    ]);
  });
});

describe('a chain of rules', () => {
  const chain = ['first', 'b', 'c', 'd', 'e']
    .map((name, index, all) =>
      index === 0
        ? ON_ALERT
        : `  - { name: ${name}, on: fleet-reflex, when: event.type == 'completion.run.completed' && event.data.rule == '${all[index - 1]}', ${RUN} }`,
    )
    .join('\n');

  it('is three runs deep beside the first, and no deeper', async () => {
    const arc = anArc(chain);
    await arc.ask([anAlert()]);
    expect(await untilQuiet(arc)).toEqual([
      'first succeeded',
      'b succeeded',
      'c succeeded',
      'd succeeded',
      'e rejected guard.loop',
    ]);
  });

  it('is as deep as the file says', async () => {
    const deep = anArc(chain, asItIs, 'limits: { chainDepth: 4 }');
    await deep.ask([anAlert()]);
    expect((await untilQuiet(deep)).at(-1)).toBe('e succeeded');
  });

  it('is none at all where the file says so', async () => {
    const none = anArc(chain, asItIs, 'limits: { chainDepth: 0 }');
    await none.ask([anAlert()]);
    expect(await untilQuiet(none)).toEqual(['first succeeded', 'b rejected guard.loop']);
  });
});

describe('who forwards a completion event', () => {
  const on = 'fleet-reflex, cloudevents, generic, sns, standard-webhooks';
  const any = `${ON_ALERT}
  - { name: again, on: [${on}], ${RUN}, guards: { lock: false } }`;
  const cut = ({ data: { ancestry: _, ...data }, ...event }: CompletionEvent) => ({ ...event, data });
  const sns = (message: unknown) => ({
    Type: 'Notification',
    MessageId: JSON.stringify(message).slice(0, 200),
    TopicArn: 'arn:aws:sns:us-east-1:1:t',
    Message: JSON.stringify(message),
    Timestamp: new Date().toISOString(),
  });
  let other = 0;
  const renamed = (event: CompletionEvent) => {
    other += 1;
    return { ...event, id: `other-${other}` };
  };

  it.each<[string, Forwarder]>([
    ['under another id', (event) => ['fleet-reflex', renamed(event)]],
    ['without its ancestry', (event) => ['fleet-reflex', cut(event)]],
    [
      'under another name of the rule',
      (event) => ['fleet-reflex', { ...cut(event), data: { ...cut(event).data, rule: `x${other++}` } }],
    ],
    [
      'as a CloudEvent of another type',
      (event) => ['cloudevents', { ...renamed(event), type: 'com.acme.note' }],
    ],
    [
      'as base64',
      (event) => [
        'cloudevents',
        {
          specversion: '1.0',
          id: event.id,
          source: 's',
          type: 't',
          data_base64: Buffer.from(JSON.stringify(event)).toString('base64'),
        },
      ],
    ],
    ['as any body', (event) => ['generic', { note: { inner: [event] } }]],
    ['as its data alone', (event) => ['generic', cut(event).data]],
    ['by SNS', (event) => ['sns', sns(event)]],
    [
      'by SNS of EventBridge',
      (event) => ['sns', sns({ 'detail-type': 'x', detail: JSON.stringify(cut(event)) })],
    ],
  ])('%s does not start the same rule again', async (_, forward) => {
    const arc = anArc(any, forward);
    await arc.ask([anAlert()]);
    const ended = await untilQuiet(arc);
    expect(new Set(ended)).toEqual(
      new Set(['first succeeded', 'again succeeded', 'again rejected guard.loop']),
    );
    // At most one for each event of the first run: started, its task, its end.
    expect(ended.filter((line) => line === 'again succeeded').length).toBeLessThanOrEqual(3);
    expect(ended.length).toBeLessThanOrEqual(13);
  });

  it('and cuts its ancestry off does not let two rules start each other for ever', async () => {
    const on = (rule: string) => `event.type == 'completion.run.completed' && event.data.rule == '${rule}'`;
    const arc = anArc(
      `${ON_ALERT}
  - { name: ping, on: fleet-reflex, when: "${on('first')} || ${on('pong')}", ${RUN} }
  - { name: pong, on: fleet-reflex, when: "${on('ping')}", ${RUN} }`,
      (event) => ['fleet-reflex', cut(event)],
    );
    await arc.ask([anAlert()]);
    expect(await untilQuiet(arc)).toEqual([
      'first succeeded',
      'ping succeeded',
      'pong succeeded',
      'ping rejected guard.loop',
    ]);
  });

  it('as the status of a deployment that GitHub tells us of does not start the same rule again', async () => {
    const sample = JSON.parse(
      readFileSync(new URL('../../events/github.deployment_status.json', import.meta.url), 'utf8'),
    );
    const status = ({ id, data }: CompletionEvent) => ({
      ...sample,
      deployment_status: {
        ...sample.deployment_status,
        node_id: id,
        created_at: new Date().toISOString(),
        updated_at: new Date().toISOString(),
        description: `${data.rule} (${data.runId}): ${data.status}`,
      },
    });
    const arc = anArc(`  - { name: deploy, on: [alertmanager, github], ${RUN} }`, (event) => [
      'github',
      status(event),
    ]);
    await arc.ask([anAlert()]);
    expect(new Set(await untilQuiet(arc))).toEqual(
      new Set(['deploy succeeded', 'deploy rejected guard.loop']),
    );
    expect((await arc.runs()).filter(({ status: it }) => it === 'succeeded').length).toBe(1);
  });

  it('as a sentence in an event of their own are themselves, and not who started that run', async () => {
    const sample = JSON.parse(
      readFileSync(new URL('../../events/github.deployment.json', import.meta.url), 'utf8'),
    );
    const mallory = { login: 'mallory', id: 666 };
    const theirs = ({ data }: CompletionEvent) => ({
      ...sample,
      sender: mallory,
      deployment: {
        ...sample.deployment,
        creator: mallory,
        created_at: new Date().toISOString(),
        description: `${data.rule} (${data.runId}): ${data.status}`,
      },
    });
    const arc = anArc(
      `  - { name: first, on: slack, allow: { users: ['*'] }, ${RUN} }
  - { name: deploy, on: github, ${RUN} }`,
      (event) => ['github', theirs(event)],
    );
    await arc.ask([{ ...aChat(), time: new Date().toISOString() }]);
    await arc.round();
    const [, deploy] = await arc.runs();
    expect(deploy?.trigger).toMatchObject({
      actor: { id: '666', name: 'mallory', source: 'github' },
      startedBy: { id: 'U1', name: 'ada', chat: 'slack' },
    });
  });

  it('of another deployment that knows no ancestry is believed as far as it says', async () => {
    const arc = anArc(any);
    const runId = runIdFor('theirs', 'x', 'y');
    const source = SOURCES.get('fleet-reflex');
    const body = {
      specversion: '1.0',
      id: '1',
      source: '/theirs',
      type: 'fleet-reflex.run.completed',
      data: { runId, rule: 'theirs', status: 'succeeded', ancestry: 'none' },
    };
    const read = source?.receiveMessage(requestOfMessage(JSON.stringify(body)), {
      secrets: [''],
      now: arc.context.now(),
      settings: settingsOf('fleet-reflex'),
    });
    if (read?.kind !== 'events') throw new Error('not understood');
    await arc.ask(read.events);
    expect((await arc.runs()).map(({ ancestry }) => ancestry)).toEqual([[{ rule: 'theirs', runId }]]);
  });
});

describe('a cancel in a chain', () => {
  it('stops what it is for, however deep, and starts nothing', async () => {
    const arc = anArc(
      `${ON_ALERT}
  - { name: long, on: grafana, run: { provider: tencent, command: cmd-1, instances: ins-1 }, notify: [feedback], guards: { lock: false } }
  - { name: stop-long, on: fleet-reflex, when: event.type == 'completion.run.completed', cancel: { rule: long }, notify: [feedback] }`,
      asItIs,
      'limits: { chainDepth: 0 }',
    );
    await arc.ask([anAlert({}, 'grafana')]);
    const [long] = await arc.runs();
    arc.advance(1_000);
    await arc.ask([anAlert()]);
    const ended = await untilQuiet(arc);
    // Of each of the two that ended; a cancel is stored, and its end is told to nobody.
    const cancel = 'stop-long succeeded cancel.done';
    expect(ended.toSorted()).toEqual(['first succeeded', 'long succeeded', cancel, cancel]);
    expect(long?.rule).toBe('long');
  });
});

describe('an event that no run led to', () => {
  it('costs no look at the table', async () => {
    const arc = anArc(ON_ALERT);
    let looks = 0;
    const { get } = arc.context.store;
    arc.context.store.get = (runId) => {
      looks += 1;
      return get(runId);
    };
    await arc.ask([anAlert()]);
    expect(looks).toBe(0);
  });
});
