import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findFrequencyProblem, readFrequency } from '../../../../lib/providers/alibaba/frequency.ts';

const NOW = new Date('2026-11-20T12:00:00Z');

describe('rate', () => {
  test.each([
    ['rate(60s)', 60],
    ['rate(5m)', 300],
    ['rate(1h)', 3600],
    ['rate(7d)', 604_800],
    [' rate( 5m ) ', 300],
  ])('%s is %d seconds', (text, intervalSeconds) => {
    expect(readFrequency(text)).toEqual({ ok: true, frequency: { kind: 'rate', intervalSeconds } });
  });

  test.each([
    'rate(59s)',
    'rate(8d)',
    'rate(0m)',
    'rate(5)',
    'rate(5 m)',
    'rate(-5m)',
    'rate(1w)',
    'rate 5m',
    'rate',
  ])('%s is refused', (text) => {
    expect(readFrequency(text)).toMatchObject({ ok: false });
  });

  test.each([
    { timeoutSeconds: 59, problem: undefined },
    { timeoutSeconds: 60, problem: 'the interval of 60 s has to be longer than the timeout of 60 s' },
  ])('an interval of 60 s beside a timeout of $timeoutSeconds s', ({ timeoutSeconds, problem }) => {
    expect(findFrequencyProblem({ kind: 'rate', intervalSeconds: 60 }, { timeoutSeconds, now: NOW })).toBe(
      problem,
    );
  });
});

describe('at', () => {
  // The vendor's own examples, and the edges of the three forms of a zone.
  test.each([
    ['at(2022-06-06 13:15:30 Asia/Shanghai)', '2022-06-06T05:15:30.000Z'],
    ['at(2022-06-06 13:15:30 GMT-7:00)', '2022-06-06T20:15:30.000Z'],
    ['at(2022-06-06 13:15:30 GMT+8:00)', '2022-06-06T05:15:30.000Z'],
    ['at(2022-06-06 13:15:30 GMT+5:30)', '2022-06-06T07:45:30.000Z'],
    ['at(2022-06-06 13:15:30 UTC)', '2022-06-06T13:15:30.000Z'],
    ['at(2022-06-06 13:15:30)', '2022-06-06T13:15:30.000Z'],
    // summer time: 03:30 on the day on which New York goes from 02:00 to 03:00, and on the day after
    ['at(2026-03-08 03:30:00 America/New_York)', '2026-03-08T07:30:00.000Z'],
    ['at(2026-01-08 03:30:00 America/New_York)', '2026-01-08T08:30:00.000Z'],
  ])('%s is %s', (text, instant) => {
    expect(readFrequency(text)).toEqual({ ok: true, frequency: { kind: 'at', at: new Date(instant) } });
  });

  test.each([
    'at(2022-06-31 13:15:30)',
    'at(2022-06-06 24:00:00)',
    'at(2022-06-06T13:15:30)',
    'at(2022-06-06 13:15)',
    'at(2022-06-06 13:15:30 GMT+08:00)',
    'at(2022-06-06 13:15:30 GMT+15:00)',
    'at(2022-06-06 13:15:30 PST)',
    'at(2022-06-06 13:15:30 Mars/Olympus)',
    'at()',
  ])('%s is refused', (text) => {
    expect(readFrequency(text)).toMatchObject({ ok: false });
  });

  test('a time that is past is a problem, a second later is none', () => {
    const problem = (at: Date) => findFrequencyProblem({ kind: 'at', at }, { timeoutSeconds: 60, now: NOW });
    expect(problem(NOW)).toBe('the time 2026-11-20T12:00:00.000Z is past');
    expect(problem(new Date(NOW.getTime() + 1000))).toBeUndefined();
  });
});

describe('cron', () => {
  test.each([
    { text: '0 */20 * * * *', fields: 6 },
    {
      text: '0 15 10 ? * * 2022 Asia/Shanghai',
      fields: 7,
      timeZone: { kind: 'name', name: 'Asia/Shanghai' },
    },
    { text: '0 0/30 10-11 * * ? 2022 GMT+8:00', fields: 7, timeZone: { kind: 'offset', minutes: 480 } },
    { text: '0 0/5 14 * 10 ? 2022/2 UTC', fields: 7, timeZone: { kind: 'offset', minutes: 0 } },
    { text: '0 15 10 LW * ? UTC', fields: 6, timeZone: { kind: 'offset', minutes: 0 } },
    { text: '0 15 10 ? * 6L', fields: 6 },
    { text: '0 15 10 ? * 4#2', fields: 6 },
    { text: '0 10,44 14 ? 3 WED', fields: 6 },
    { text: '0 0-5 14 15W JAN-MAR ?', fields: 6 },
    { text: '0 15 08 ? * * 2022', fields: 7 },
    { text: '0 15 10 ? * SUN', fields: 6 },
  ])('$text', ({ text, fields, timeZone }) => {
    expect(readFrequency(text)).toEqual({
      ok: true,
      frequency: {
        kind: 'cron',
        fields: text.split(' ').slice(0, fields),
        ...(timeZone && { timeZone }),
      },
    });
  });

  test.each([
    '* * * * *',
    '60 * * * * *',
    '0 60 * * * *',
    '0 0 24 * * *',
    '0 0 0 0 * *',
    '0 0 0 * 13 *',
    '0 0 0 ? * 8',
    '0 0 0 ? * 0',
    '0 15 008 ? * *',
    '0 ? * * * *',
    '0 5-2 * * * *',
    '0 1/0 * * * *',
    '0 1/2/3 * * * *',
    '0 1-2-3 * * * *',
    '0 0 0 ? * 4#6',
    '0 0 0 ? * W',
    '0 0 0 32W * ?',
    '0 0 0 * * ? 2100',
    '0 0 0 * * ? 2022 PST',
    '',
    'every day',
  ])('%j is refused', (text) => {
    expect(readFrequency(text)).toMatchObject({ ok: false });
  });

  test.each([
    { text: '*/5 * * * * *', gap: 5 },
    { text: '*/9 * * * * *', gap: 6 },
    { text: '0 * * * * *', gap: 60 },
    { text: '0,50 30 * * * *', gap: 50 },
    { text: '0 0 * * * *', gap: 3600 },
    { text: '0 0 9,17 * * ?', gap: 28_800 },
    { text: '0 0 0 1 * ?', gap: 86_400 },
  ])('$text has runs $gap s apart', ({ text, gap }) => {
    const reading = readFrequency(text);
    if (!reading.ok) throw new Error(reading.problem);
    const problem = (timeoutSeconds: number) =>
      findFrequencyProblem(reading.frequency, { timeoutSeconds, now: NOW });
    expect(problem(gap + 1)).toContain(`runs ${gap} s apart`);
    expect(problem(gap)).toBe(
      gap >= 10 ? undefined : `runs ${gap} s apart are closer than 10 s (10 s and the timeout)`,
    );
  });
});

test('no text makes it throw', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map((text) => `at(${text})`),
      ),
      (text) => {
        expect(typeof readFrequency(text).ok).toBe('boolean');
      },
    ),
  );
});
