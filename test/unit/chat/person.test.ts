/** What a verb can reach: the runs, events and rules of one person. A verb that forgets to ask who may reaches no more. */
import { describe, expect, it } from 'vitest';
import { VERBS } from '../../../lib/chat/grammar.ts';
import { bindPerson } from '../../../lib/chat/person.ts';
import type { ChatPort, ChatRun } from '../../../lib/chat/port.ts';
import { defineVerb } from '../../../lib/chat/verb.ts';
import type { EventRecord } from '../../../lib/model/decision.ts';
import { parseChatCommand } from '../../../lib/sources/shared/chat-command.ts';
import { aChat, NOW, rulesOf } from '../rules/events.ts';

const RUN_ID = 'run-abcdefghijklmnopqrstuvwxyz';
const RUN = 'run: { provider: tencent, command: cmd-1, instances: ins-1 }';
const { rules } = rulesOf(`
  - { name: mine, on: slack, byName: true, allow: { users: [U1] }, ${RUN} }
  - { name: theirs, on: slack, byName: true, allow: { users: [U2] }, ${RUN} }
`);
const [mine, theirs] = rules;
if (mine === undefined || theirs === undefined) throw new Error('two rules');

const aRun = (rule: string): ChatRun => ({
  runId: RUN_ID,
  rule,
  status: 'running',
  instances: ['ins-1'],
  counts: {},
  tasks: [],
  requestedAt: '2026-11-20T09:59:00.000Z',
});
/** Gives all that it has, whatever it is asked, and counts. */
function aPort() {
  const asked: string[] = [];
  const give = async <Value>(what: string, value: Value): Promise<Value> => {
    asked.push(what);
    return value;
  };
  const both: EventRecord = {
    version: 1,
    action: 'event',
    source: 'alertmanager',
    eventId: 'e',
    type: 'alert.firing',
    time: NOW.toISOString(),
    receivedAt: NOW.toISOString(),
    matched: [
      { rule: 'theirs', runId: RUN_ID },
      { rule: 'mine', runId: RUN_ID },
    ],
    unmatched: [],
  };
  const port: ChatPort = {
    status: () => give('status', aRun('theirs')),
    toJudge: () => give('toJudge', undefined),
    toResume: () => give('toResume', undefined),
    recent: () => give('recent', [aRun('theirs'), aRun('mine')]),
    events: () => give('events', [both]),
    frozenBecause: () => give('frozen', 'ann has frozen all runs.'),
  };
  return { port, asked };
}
const event = aChat(parseChatCommand('/fleet', 'verb'));
const bind = (of = [mine]) => {
  const { port, asked: portAsked } = aPort();
  return { ...bindPerson({ event, rules: of, port, now: NOW }), portAsked };
};

describe('a person', () => {
  it('sees the runs and events of their rules, and nothing of others', async () => {
    const { person } = bind();
    expect(await person.run(RUN_ID)).toBeUndefined();
    expect((await person.newestRuns(9)).map(({ rule }) => rule)).toEqual(['mine']);
    expect((await person.newestEvents(9)).map(({ matched }) => matched)).toEqual([
      [{ rule: 'mine', runId: RUN_ID }],
    ]);
  });

  it('without a rule asks the port for nothing', async () => {
    const { person, portAsked } = bind([]);
    const seen = [
      await person.run(RUN_ID),
      await person.newestRuns(9),
      await person.newestEvents(9),
      await person.frozenBecause(),
    ];
    expect([seen, portAsked]).toEqual([[undefined, [], [], undefined], []]);
  });
});

describe('a verb that does not ask who may', () => {
  const bold = {
    'cancels a run that it made up': (person) => person.cancel(aRun('theirs'), []),
    'cancels a run of the person’s rule that it was not shown': (person) => person.cancel(aRun('mine'), []),
    'resumes a run that it made up': (person) => person.resume(aRun('mine')),
    'starts a rule of others': (person) => void person.attempt(theirs),
    'starts a copy of a rule': (person) => void person.attempt({ ...mine }),
  } satisfies Record<string, (person: ReturnType<typeof bind>['person']) => unknown>;

  it.each(Object.entries(bold))('%s: is stopped, and nothing is asked for', async (_, act) => {
    const verb = defineVerb({
      name: 'bold',
      usage: 'bold',
      summary: 'forgets',
      parse: () => ({ ok: true, command: {} }),
      perform: async (__, person) => {
        await act(person);
        return [];
      },
    });
    const reading = verb.read({ args: [], options: {} });
    if (!reading.ok) throw new Error('no reading');
    const { person, asked } = bind();
    await expect(reading.perform(person, VERBS)).rejects.toThrow(TypeError);
    expect(asked).toEqual({ requests: [], matched: [], unmatched: [] });
  });
});

it('what a verb may do is on record and on the queue', async () => {
  const { person, asked } = bind();
  const attempt = person.attempt(mine);
  if (!attempt.fires) throw new Error(attempt.because);
  const started = attempt.start();
  const [run] = await person.newestRuns(1);
  if (run !== undefined) person.cancel(run, []);
  expect(asked).toEqual({
    requests: [
      expect.objectContaining({ action: 'run', rule: 'mine', runId: started.runId }),
      expect.objectContaining({ action: 'cancel', rule: 'mine', targetRunId: RUN_ID }),
    ],
    matched: [{ rule: 'mine', runId: started.runId }],
    unmatched: [],
  });
});
