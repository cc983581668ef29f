/** Ids that are made of several facts: other facts never make the same id. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recordOf } from '../../../lib/model/decision.ts';
import { joinedId } from '../../../lib/model/id-parts.ts';
import { genericEvent } from '../../../lib/sources/shared/build-event.ts';
import { idTime } from '../../../lib/sources/shared/delivery-id.ts';
import { requestOfMessage } from '../../../lib/sources/source.ts';
import { eventDayKey, key } from '../../../lib/store/table.ts';
import { NOW, sourceUnderTest } from '../../fixtures/signed-requests.ts';
import { settingsOf } from '../../fixtures/source-settings.ts';

/** What joins, what encodes, and words that look encoded already. */
const part = fc
  .array(fc.constantFrom('a', 'b', '/', ' ', ':', '@', '#', '%', '%2F', '%20', '%25', '%23', '2F'), {
    maxLength: 4,
  })
  .map((parts) => parts.join(''));
const three = fc.tuple(part, part, part);

describe('parts that are joined', () => {
  it.each(['/', ' ', ':', '@'] as const)('by %j make one id of one list only', (separator) => {
    fc.assert(
      fc.property(three, three, (some, others) => {
        expect(joinedId(some, separator) === joinedId(others, separator)).toBe(
          JSON.stringify(some) === JSON.stringify(others),
        );
      }),
      { numRuns: 5_000 },
    );
  });

  it('stay as they are where they hold nothing that joins: ids of stored runs do not change', () => {
    expect(joinedId(['b5d1c3a2', '2026-11-20T10:00:00Z', 'firing'])).toBe(
      'b5d1c3a2/2026-11-20T10:00:00Z/firing',
    );
    expect(joinedId(['/a/b', '1'], ' ')).toBe('/a/b 1');
  });
});

describe('a key of the table', () => {
  const keysOf = ([a, b, c]: [string, string, string]) => ({
    output: key.output(a, b, c),
    claim: key.claim(a, b, c),
    schedule: key.schedule(a, b, c),
    event: key.event(a, b),
    eventDay: eventDayKey('2026-11-20T10:00:00.000Z', a, b),
  });
  const given: Record<keyof ReturnType<typeof keysOf>, number> = {
    output: 3,
    claim: 3,
    schedule: 3,
    event: 2,
    eventDay: 2,
  };

  it('is of one list of parts only', () => {
    fc.assert(
      fc.property(three, three, (some, others) => {
        const [one, other] = [keysOf(some), keysOf(others)];
        for (const [name, count] of Object.entries(given)) {
          const isSame = JSON.stringify(some.slice(0, count)) === JSON.stringify(others.slice(0, count));
          const [a, b] = [one, other].map((keys) =>
            JSON.stringify(Object.entries(keys).find(([it]) => it === name)),
          );
          expect([name, some, others, a === b]).toEqual([name, some, others, isSame]);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('is what it was for plain words, and for a firing at Alibaba, whose id has a #', () => {
    expect(key.output('run-1', 't-1#2', 'i-1')).toEqual({ pk: 'RUN#run-1', sk: 'OUTPUT#t-1#2#i-1' });
    expect(key.event('cloudevents', '/a#b 1').pk).toBe('EVENT#cloudevents#/a#b 1');
  });
});

describe('two CloudEvents', () => {
  const idOf = (source: string, id: string) => {
    const made = sourceUnderTest('cloudevents').receiveMessage(
      requestOfMessage(JSON.stringify({ specversion: '1.0', type: 't', source, id })),
      { secrets: [''], now: NOW, settings: settingsOf('cloudevents') },
    );
    return made.kind === 'events' ? made.events[0]?.id : made;
  };

  it.each([
    [
      ['/a', 'b c'],
      ['/a b', 'c'],
    ],
    [
      ['/a', '%20b'],
      ['/a%20', 'b'],
    ],
    [
      ['/a', ' b'],
      ['/a ', 'b'],
    ],
    [
      ['/a%20b', 'c'],
      ['/a b', 'c'],
    ],
  ] as const)('whose source and id are %j and %j are two events', ([source, id], [otherSource, otherId]) => {
    expect(idOf(source, id)).not.toBe(idOf(otherSource, otherId));
  });
});

describe('a time in an id', () => {
  it.each([
    ['2026-11-20T10:00:00Z', '2026-11-20T10:00:00Z'],
    ['2026-11-20T18:00:00+08:00', '2026-11-20T10:00:00Z'],
    ['2026-11-20T10:00:00.000Z', '2026-11-20T10:00:00Z'],
    ['2026-11-20T10:00:00.120000000Z', '2026-11-20T10:00:00.12Z'],
    ['2026-11-20T10:00:00.123Z', '2026-11-20T10:00:00.123Z'],
    [1_795_168_800, '1795168800'],
    ['1795169293166002000', '1795169293166002000'],
    ['yesterday', 'yesterday'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00Z'],
    [undefined, ''],
  ])('%j is %s', (given, expected) => {
    expect(idTime(given)).toBe(expected);
  });
});

it('two long ids that begin alike have two records', () => {
  const recordIdOf = (id: string) =>
    recordOf(
      {
        event: genericEvent({ source: 'generic', id, verb: 'x', time: NOW.toISOString() }, { body: {} }),
        matched: [],
        unmatched: [],
      },
      NOW,
    ).eventId;
  const [one, other] = ['1', '2'].map((end) => recordIdOf(`${'x'.repeat(2_000)}${end}`));
  expect(one).not.toBe(other);
  expect(one?.length).toBeLessThan(450);
});
