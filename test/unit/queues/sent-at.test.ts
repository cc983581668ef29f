/** How old a message is: the earliest that SQS or the message says, whatever its sender would like. */
import type { SQSRecord } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { FIRST_SENT, firstSent, sentAt } from '../../../lib/queues/sent-at.ts';

const NOW = new Date('2026-11-20T10:35:00.000Z');
const DAY_MS = 86_400_000;
const ago = (ms: number) => NOW.getTime() - ms;

function aMessage(sent: string, attribute?: string): Pick<SQSRecord, 'attributes' | 'messageAttributes'> {
  return {
    attributes: {
      SentTimestamp: sent,
      ApproximateReceiveCount: '1',
      SenderId: '',
      ApproximateFirstReceiveTimestamp: '',
    },
    messageAttributes:
      attribute === undefined ? {} : { [FIRST_SENT]: { dataType: 'String', stringValue: attribute } },
  };
}

describe('a message was sent', () => {
  it.each<[string, string, string | undefined, number]>([
    ['when SQS says', String(ago(60_000)), undefined, ago(60_000)],
    ['when it was first, where it was redriven', String(ago(60_000)), String(ago(DAY_MS)), ago(DAY_MS)],
    ['not later because it says so', String(ago(60_000)), String(ago(0)), ago(60_000)],
    ['not in the future, where two clocks differ', String(ago(-5_000)), undefined, ago(0)],
    ['when SQS says, where it says nonsense', String(ago(60_000)), '-1', ago(60_000)],
    ['when SQS says, where it says a number with a point', String(ago(60_000)), '1.5', ago(60_000)],
    ['now, where nobody knows', '', undefined, ago(0)],
    [
      'two weeks ago, where it says that it is older than SQS keeps any',
      String(ago(0)),
      '0',
      ago(14 * DAY_MS),
    ],
  ])('%s', (_, sent, attribute, expected) => {
    expect(sentAt(aMessage(sent, attribute), NOW)).toEqual(new Date(expected));
  });

  it('now, where it came without its attributes', () => {
    expect(sentAt({}, NOW)).toEqual(NOW);
  });

  it.each([
    [['1700000000000', undefined], '1700000000000'],
    [['1700000000000', '1600000000000'], '1600000000000'],
    [['1700000000000', '1800000000000'], '1700000000000'],
    [[undefined, 'soon'], undefined],
  ])('first at the earliest of %j', (said, expected) => {
    expect(firstSent(...said)).toBe(expected);
  });
});
