import { expect, test } from 'vitest';
import { readFrequency } from '../../../../lib/providers/alibaba/frequency.ts';
import { nextRun } from '../../../../lib/providers/alibaba/timetable.ts';

const CREATED = new Date('2026-11-20T12:00:00Z'); // a Friday

function runs(text: string, count: number, after = CREATED): string[] {
  const reading = readFrequency(text);
  if (!reading.ok) throw new Error(reading.problem);
  const found: string[] = [];
  let last = after;
  for (let index = 0; index < count; index += 1) {
    const next = nextRun(reading.frequency, last, CREATED);
    if (next === undefined) break;
    found.push(next.toISOString().replace('.000Z', 'Z'));
    last = next;
  }
  return found;
}

test.each([
  {
    text: 'rate(5m)',
    expected: ['2026-11-20T12:05:00Z', '2026-11-20T12:10:00Z', '2026-11-20T12:15:00Z'],
  },
  { text: 'at(2026-11-20 20:00:01 Asia/Shanghai)', expected: ['2026-11-20T12:00:01Z'] },
  { text: 'at(2026-11-20 12:00:00)', expected: [] },
  { text: '0 15 10 ? * * 2022 UTC', expected: [] },
  {
    text: '0 0/30 10-11 * * ? 2026 GMT+8:00',
    expected: ['2026-11-21T02:00:00Z', '2026-11-21T02:30:00Z', '2026-11-21T03:00:00Z'],
  },
  {
    text: '0 15 10 ? * * Asia/Shanghai',
    expected: ['2026-11-21T02:15:00Z', '2026-11-22T02:15:00Z', '2026-11-23T02:15:00Z'],
  },
  // Monday is 1 and Sunday 7
  {
    text: '0 0 12 ? * 1 UTC',
    expected: ['2026-11-23T12:00:00Z', '2026-11-30T12:00:00Z', '2026-12-07T12:00:00Z'],
  },
  {
    text: '0 0 12 ? * 7 UTC',
    expected: ['2026-11-22T12:00:00Z', '2026-11-29T12:00:00Z', '2026-12-06T12:00:00Z'],
  },
  {
    text: '0 0 12 ? * L UTC',
    expected: ['2026-11-22T12:00:00Z', '2026-11-29T12:00:00Z', '2026-12-06T12:00:00Z'],
  },
  {
    text: '0 0 12 ? * MON UTC',
    expected: ['2026-11-23T12:00:00Z', '2026-11-30T12:00:00Z', '2026-12-07T12:00:00Z'],
  },
  // the last Saturday, the second Thursday, the last day, the last working day, the working day nearest to the 5th
  {
    text: '0 15 10 ? * 6L UTC',
    expected: ['2026-11-28T10:15:00Z', '2026-12-26T10:15:00Z', '2027-01-30T10:15:00Z'],
  },
  {
    text: '0 15 10 ? * 4#2 UTC',
    expected: ['2026-12-10T10:15:00Z', '2027-01-14T10:15:00Z', '2027-02-11T10:15:00Z'],
  },
  {
    text: '0 15 10 L * ? UTC',
    expected: ['2026-11-30T10:15:00Z', '2026-12-31T10:15:00Z', '2027-01-31T10:15:00Z'],
  },
  {
    text: '0 15 10 LW * ? UTC',
    expected: ['2026-11-30T10:15:00Z', '2026-12-31T10:15:00Z', '2027-01-29T10:15:00Z'],
  },
  {
    text: '0 15 10 5W * ? UTC',
    expected: ['2026-12-04T10:15:00Z', '2027-01-05T10:15:00Z', '2027-02-05T10:15:00Z'],
  },
  {
    text: '0 0/5 14 * 10 ? 2022/2 UTC',
    expected: ['2028-10-01T14:00:00Z', '2028-10-01T14:05:00Z', '2028-10-01T14:10:00Z'],
  },
])('$text', ({ text, expected }) => {
  expect(runs(text, 3)).toEqual(expected);
});

test('a rate counts from when it was made, not from when it last ran', () => {
  expect(runs('rate(5m)', 1, new Date('2026-11-20T12:07:31Z'))).toEqual(['2026-11-20T12:10:00Z']);
});
