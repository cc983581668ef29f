/** Five fields, in Beijing time whatever the machine's zone is. */
import { describe, expect, it } from 'vitest';
import { checkCrontab, nextCrontabTimes } from '../../../../lib/providers/tencent/crontab.ts';

const from = new Date('2026-11-20T10:30:00Z');
const next = (crontab: string, count = 2): string[] =>
  nextCrontabTimes(crontab, count, from).map((time) => time.toISOString());

describe('a crontab', () => {
  it.each([
    [
      "the document's example: the 1st of each month",
      '0 0 1 * *',
      ['2026-11-30T16:00:00.000Z', '2026-12-31T16:00:00.000Z'],
    ],
    ['each day at 02:00 in Beijing', '0 2 * * *', ['2026-11-20T18:00:00.000Z', '2026-11-21T18:00:00.000Z']],
    [
      'Monday there, still Sunday in UTC',
      '0 1 * * 1',
      ['2026-11-22T17:00:00.000Z', '2026-11-29T17:00:00.000Z'],
    ],
    ['names', '0 1 * DEC MON-tue', ['2026-11-30T17:00:00.000Z', '2026-12-06T17:00:00.000Z']],
    ['Sunday as 7', '0 12 * * 7', ['2026-11-22T04:00:00.000Z', '2026-11-29T04:00:00.000Z']],
    [
      'steps, lists and ranges',
      '*/30 18-19 20,21 11 *',
      ['2026-11-20T11:00:00.000Z', '2026-11-20T11:30:00.000Z'],
    ],
    [
      'day of month or day of week, as crontab has it',
      '0 12 22 * 6',
      ['2026-11-21T04:00:00.000Z', '2026-11-22T04:00:00.000Z'],
    ],
    ['more blanks than needed', '  0  2 * *   * ', ['2026-11-20T18:00:00.000Z', '2026-11-21T18:00:00.000Z']],
    ['the 29th of February', '0 0 29 2 *', ['2028-02-28T16:00:00.000Z', '2032-02-28T16:00:00.000Z']],
  ])('with %s', (_, crontab, expected) => {
    expect(next(crontab)).toEqual(expected);
  });

  it.each([
    ['', /expected 5 fields .* got 1/],
    ['0 0 1 *', /expected 5 fields .* got 4/],
    [
      '0 0 0 1 * *',
      /expected 5 fields \(minute, hour, day of month, month, day of week\) in Beijing time, got 6/,
    ],
    ['@daily', /expected 5 fields/],
    ['60 0 * * *', /60/],
    ['0 24 * * *', /24/],
    ['0 0 32 * *', /32/],
    ['0 0 * 13 *', /13/],
    ['0 0 L * *', /day of month: expected numbers, .* got 'L'/],
    ['0 0 * * 1#2', /day of week: .* got '1#2'/],
    ['? 0 * * *', /minute: /],
    ['a 0 * * *', /minute: /],
    ['0 5-1 * * *', /recurrence '0 5-1 \* \* \*': /],
    ['*/0 0 * * *', /recurrence/],
    ['0 0 30 2 *', /never fires/],
  ])('%j is refused with what is wrong', (crontab, message) => {
    expect(() => checkCrontab(crontab)).toThrow(message);
    expect(() => checkCrontab(crontab)).toThrow(
      expect.objectContaining({ code: 'provider.invalid', disposition: 'drop' }),
    );
  });
});
