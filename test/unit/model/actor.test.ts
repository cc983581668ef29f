/** Who caused something: what is known of it, how it is shown, and when two are one. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Actor,
  Actor as ActorSchema,
  actorOf,
  describeActor,
  inheritedCauses,
  isSameActor,
  requestersOf,
  tokenActor,
} from '../../../lib/model/actor.ts';
import type { ChatData, TriggerEvent } from '../../../lib/model/trigger-event.ts';

const head = { specversion: '1.0', id: 'e1', time: '2026-11-21T10:00:00Z' } as const;
const typed = (user: ChatData['user']): TriggerEvent => ({
  ...head,
  source: 'slack',
  kind: 'chat',
  type: 'chat.command',
  data: { command: '/fleet', args: [], options: {}, text: '', user },
});
const pushed = (by: { actor?: string; actorId?: string }): TriggerEvent => ({
  ...head,
  source: 'github',
  kind: 'deploy',
  type: 'deploy.push',
  data: { action: 'push', repository: 'acme/web', ...by },
});

describe('the actor of an event', () => {
  it('is the person who typed, with the chat', () => {
    expect(actorOf(typed({ id: 'U1', name: 'ann', groups: ['S1'] }))).toEqual({
      id: 'U1',
      name: 'ann',
      chat: 'slack',
    });
  });
  it('is the account of a code host, with the source', () => {
    const actor = actorOf(pushed({ actorId: '583231', actor: 'octocat' }));
    expect(actor).toEqual({ id: '583231', name: 'octocat', source: 'github' });
  });
  it('has no id where the source reports only a name', () => {
    expect(actorOf(pushed({ actor: 'ci' }))).toEqual({ name: 'ci', source: 'github' });
  });
  it('is absent for an act of no account', () => {
    expect(actorOf(pushed({}))).toBeUndefined();
    expect(
      actorOf({ ...head, source: 'generic', kind: 'generic', type: 'generic.x', data: { body: 1 } }),
    ).toBeUndefined();
  });
});

describe('a name that its owner chose', () => {
  const nameOf = (name: string) => actorOf(typed({ id: 'U1', name }))?.name;
  it.each([
    ['line feeds', 'ann\r\nrun-1 succeeded\u2028x', 'ann run-1 succeeded x'],
    ['colours', '\u001b[31mann\u001b[0m', '[31mann [0m'],
    ['text turned round', 'ann\u202egnp.exe\u2066', 'anngnp.exe'],
    ['half a character', 'ann\ud800', 'ann\ufffd'],
    ['markup, as it is', '<!channel> `x` *b* [a](b)', '<!channel> `x` *b* [a](b)'],
  ])('with %s is one line of text', (_, name, shown) => {
    expect(nameOf(name)).toBe(shown);
  });
  it('is cut', () => {
    expect(nameOf('a'.repeat(10_000))).toBe(`${'a'.repeat(79)}…`);
  });
  it('is absent when nothing of it can be shown', () => {
    expect(nameOf('\u202e\n')).toBeUndefined();
  });
  it('is bounded and without control characters, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 300 }),
        fc.string({ unit: 'binary', maxLength: 300 }),
        (id, name) => {
          const actor = actorOf(typed({ id, name }));
          expect(ActorSchema.parse(actor)).toEqual(actor);
          expect(describeActor(actor ?? {})).not.toMatch(/[\p{C}\u2028\u2029]/u);
        },
      ),
    );
  });
});

describe('an id', () => {
  it('that is too long stays distinct from another with the same beginning', () => {
    const one = actorOf(typed({ id: `${'x'.repeat(500)}1` }));
    const other = actorOf(typed({ id: `${'x'.repeat(500)}2` }));
    expect(one?.id).toHaveLength(128);
    expect(isSameActor(one ?? {}, other ?? {})).toBe(false);
  });
});

describe('two actors', () => {
  const ann: Actor = { id: 'U1', name: 'ann', chat: 'slack' };
  it.each<[string, Actor, Actor, boolean]>([
    ['one id under another name', ann, { id: 'U1', name: 'bob', chat: 'slack' }, true],
    ['one name with other ids', ann, { id: 'U2', name: 'ann', chat: 'slack' }, false],
    ['one id in other places', ann, { id: 'U1', chat: 'discord' }, false],
    ['one account in a comment and a push', { id: '7', chat: 'github' }, { id: '7', source: 'github' }, true],
    ['one name where an id is unknown', ann, { name: 'Ann', chat: 'slack' }, true],
    ['no id and no name', { chat: 'slack' }, { chat: 'slack' }, false],
    ['a token and a person of its name', tokenActor('U1'), ann, false],
  ])('%s', (_, one, other, isSame) => {
    expect(isSameActor(one, other)).toBe(isSame);
    expect(isSameActor(other, one)).toBe(isSame);
  });
  it('are shown with the place and the id first', () => {
    expect(describeActor(ann)).toBe('slack/U1 (ann)');
    expect(describeActor(tokenActor('local'))).toBe('local');
    expect(describeActor({ name: 'ci', source: 'harbor' })).toBe('harbor/name:ci');
  });
});

describe('a chained run', () => {
  const ann: Actor = { id: 'U1', chat: 'slack' };
  const bot: Actor = { id: '9', source: 'github' };
  it('has the actor of the run that led to it', () => {
    expect(inheritedCauses({}, [{ actor: ann }])).toEqual({ actor: ann });
  });
  it('keeps the account that its own event proves, and says who started the chain', () => {
    const causes = inheritedCauses({ actor: bot }, [{ actor: ann }]);
    expect(causes).toEqual({ actor: bot, startedBy: ann });
    expect(requestersOf(causes)).toEqual([bot, ann]);
  });
  it('hands on who started the chain, not who came between', () => {
    expect(inheritedCauses({}, [{ actor: bot, startedBy: ann }])).toEqual({ actor: ann });
  });
  it('has none where no event was an act of an account', () => {
    expect(inheritedCauses({}, [{}])).toEqual({ actor: undefined });
  });
});
