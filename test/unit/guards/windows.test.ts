/** When windows are open: by the clocks of their zone, over midnight, months' ends and changes of the clocks. */
import { describe, expect, it } from 'vitest';
import { closedBy } from '../../../lib/guards/windows.ts';
import type { Window } from '../../../lib/model/window.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

function aWindow(cron: string, zone: string, forMs: number, name = 'w'): Window {
  return { name, cron, zone, forMs };
}

/** Until when nothing is sent; undefined where it is. */
const untilOf = (freezes: Window[], now: string) =>
  closedBy({ freezes }, new Date(now))?.until?.toISOString();

describe('a freeze', () => {
  const monthEnd = aWindow('0 18 28 * *', 'Asia/Shanghai', 12 * HOUR, 'month-end');

  it.each([
    ['the last moment before it', '2026-11-28T09:59:59.999Z', undefined],
    ['its first moment, by the clocks of its zone', '2026-11-28T10:00:00.000Z', '2026-11-28T22:00:00.000Z'],
    ['after midnight there', '2026-11-28T20:00:00.000Z', '2026-11-28T22:00:00.000Z'],
    ['its last moment', '2026-11-28T21:59:59.999Z', '2026-11-28T22:00:00.000Z'],
    ['its end', '2026-11-28T22:00:00.000Z', undefined],
    ['another day', '2026-11-27T12:00:00.000Z', undefined],
  ])('at %s', (_, now, until) => {
    expect(untilOf([monthEnd], now)).toBe(until);
  });

  it('says its name and its end', () => {
    expect(closedBy({ freezes: [monthEnd] }, new Date('2026-11-28T12:00:00Z'))).toEqual({
      reason: {
        code: 'guard.freeze',
        message: 'The window `month-end` freezes it until 2026-11-28T22:00:00.000Z.',
      },
      until: new Date('2026-11-28T22:00:00Z'),
    });
  });

  it.each([
    [
      'the last day of a short month and the first of the next',
      '2027-03-01T05:00:00Z',
      '2027-03-01T12:00:00.000Z',
    ],
    ['the last day of a leap February', '2028-02-29T23:00:00Z', '2028-03-01T12:00:00.000Z'],
    ['the last day of the year', '2026-12-31T22:00:00Z', '2027-01-01T12:00:00.000Z'],
    ['a day before the last', '2027-02-27T22:00:00Z', undefined],
  ])('over the end of a month: %s', (_, now, until) => {
    expect(untilOf([aWindow('0 20 L * *', 'UTC', 16 * HOUR)], now)).toBe(until);
  });

  it.each([
    // Berlin changes at 01:00Z, from +1 to +2 on 2026-03-29 and back on 2026-10-25.
    ['forward: it is open for its whole time', '2026-03-29T04:59:59Z', '2026-03-29T05:00:00.000Z'],
    ['forward: and no longer', '2026-03-29T05:00:00Z', undefined],
    ['back: it is open for its whole time', '2026-10-25T03:59:59Z', '2026-10-25T04:00:00.000Z'],
    ['back: and no longer', '2026-10-25T04:00:00Z', undefined],
    ['after the change it opens by the new clocks', '2026-10-25T21:30:00Z', '2026-10-26T05:00:00.000Z'],
    ['and not before', '2026-10-25T20:59:59Z', undefined],
  ])('in a night in which clocks go %s', (_, now, until) => {
    expect(untilOf([aWindow('0 22 * * *', 'Europe/Berlin', 8 * HOUR)], now)).toBe(until);
  });

  it.each([
    ['that is skipped is the moment after', '30 2 * * *', '2026-03-08T07:00:00Z', '2026-03-08T08:00:00.000Z'],
    ['that is skipped is not before it', '30 2 * * *', '2026-03-08T06:59:59Z', undefined],
    ['that comes twice is the first', '30 1 * * *', '2026-11-01T05:30:00Z', '2026-11-01T06:30:00.000Z'],
    ['that comes twice is not the second', '30 1 * * *', '2026-11-01T06:30:00Z', undefined],
  ])('a time %s', (_, cron, now, until) => {
    expect(untilOf([aWindow(cron, 'America/New_York', HOUR)], now)).toBe(until);
  });

  it('whose openings touch is one', () => {
    // Friday 16:00 to Monday 00:00, written day by day.
    const weekend = [
      aWindow('0 16 * * 5', 'UTC', 8 * HOUR, 'friday'),
      aWindow('0 0 * * 6,0', 'UTC', DAY, 'days'),
    ];
    expect(untilOf(weekend, '2026-11-28T10:00:00Z')).toBe('2026-11-30T00:00:00.000Z');
    expect(untilOf([aWindow('0 9-17 * * *', 'UTC', HOUR)], '2026-11-28T10:30:00Z')).toBe(
      '2026-11-28T18:00:00.000Z',
    );
  });

  it('that overlaps another: the one that ends last is named', () => {
    const short = aWindow('0 10 * * *', 'UTC', HOUR, 'short');
    const long = aWindow('30 10 * * *', 'UTC', 3 * HOUR, 'long');
    const at = (now: string) => closedBy({ freezes: [long, short] }, new Date(now))?.reason.message;
    expect(at('2026-11-28T10:45:00Z')).toBe('The window `long` freezes it until 2026-11-28T13:30:00.000Z.');
    expect(at('2026-11-28T10:15:00Z')).toBe('The window `short` freezes it until 2026-11-28T11:00:00.000Z.');
  });
});

describe('a maintenance window', () => {
  const night = aWindow('0 22 * * *', 'Asia/Shanghai', 6 * HOUR, 'night');
  const noon = aWindow('0 12 * * *', 'Asia/Shanghai', HOUR, 'noon');

  it('lets through what is inside, and says what opens next', () => {
    const only = [[night, noon]];
    expect(closedBy({ only }, new Date('2026-11-21T15:00:00Z'))).toBeUndefined();
    expect(closedBy({ only }, new Date('2026-11-21T20:00:00Z'))).toEqual({
      reason: {
        code: 'guard.freeze',
        message:
          'It is sent in the window `noon` only, which is open from 2026-11-22T04:00:00.000Z until 2026-11-22T05:00:00.000Z.',
      },
      until: new Date('2026-11-22T04:00:00Z'),
    });
  });

  it('of the rule and one of the file must both be open', () => {
    const only = [[night], [aWindow('0 0 * * *', 'Asia/Shanghai', 12 * HOUR, 'file')]];
    expect(closedBy({ only }, new Date('2026-11-21T15:00:00Z'))?.reason.message).toContain('`file`');
    expect(closedBy({ only }, new Date('2026-11-21T20:30:00Z'))?.reason.message).toContain('`night`');
    expect(closedBy({ only }, new Date('2026-11-21T17:00:00Z'))).toBeUndefined();
  });

  it('does not open a freeze', () => {
    const windows = { only: [[night]], freezes: [aWindow('0 23 * * *', 'Asia/Shanghai', HOUR, 'backup')] };
    expect(closedBy(windows, new Date('2026-11-21T15:30:00Z'))?.reason.message).toContain('`backup`');
    expect(closedBy(windows, new Date('2026-11-21T16:00:00Z'))).toBeUndefined();
  });
});
