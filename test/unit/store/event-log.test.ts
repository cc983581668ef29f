/** What was decided about events, on a table of its own. */
import { PutCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, expect, it } from 'vitest';
import type { EventRecord } from '../../../lib/model/decision.ts';
import { dynamoEventLog } from '../../../lib/store/dynamodb-event-log.ts';
import { expiresAt } from '../../../lib/store/table.ts';
import { startRunsTable } from '../../fixtures/runs-table.ts';

const table = await startRunsTable();
afterAll(() => table.stop());

const NOW = Date.now();

const aRecord = (minutesAgo: number, eventId = `e${minutesAgo}`): EventRecord => ({
  version: 1,
  action: 'event',
  source: 'generic',
  eventId,
  type: 'generic.received',
  time: new Date(NOW).toISOString(),
  receivedAt: new Date(NOW - minutesAgo * 60_000).toISOString(),
  matched: [],
  unmatched: [],
});

it('merges the parts of a day, and of the days before, newest first, with what the previous version left', async () => {
  const log = dynamoEventLog(table);
  const ages = [0, 1, 2, 3, 4, 5, 6, 7, 600, 1500, 3000, 3001];
  const records = ages.map((age) => aRecord(age));
  const [left, ...own] = records.toReversed();
  if (left === undefined) throw new Error('no record');
  await table.client.send(
    new PutCommand({
      TableName: table.table,
      Item: {
        pk: `EVENT#generic#${left.eventId}`,
        sk: 'EVENT',
        dayPk: `EVENTS#${left.receivedAt.slice(0, 10)}`,
        daySk: `${left.receivedAt}#generic#${left.eventId}`,
        source: 'generic',
        event: left,
        expiresAt: expiresAt(new Date()),
      },
    }),
  );
  await Promise.all(own.map((record) => log.put(record)));
  const seen: EventRecord[] = [];
  let cursor: string | undefined;
  do {
    const page = await log.list({ limit: 5, source: 'generic', ...(cursor !== undefined && { cursor }) });
    expect(page.events.length).toBeLessThanOrEqual(5);
    seen.push(...page.events);
    cursor = page.cursor;
  } while (cursor !== undefined);
  expect(seen).toEqual(records);
  const { Items = [] } = await table.client.send(new ScanCommand({ TableName: table.recordsTable }));
  const partitions = new Set(Items.map(({ dayPk }) => String(dayPk).split('#').at(-1)));
  expect(partitions.size).toBeGreaterThan(1);
});

it('keeps of an event that came again the newest record, also when both come together', async () => {
  const log = dynamoEventLog(table);
  const [newer, older] = [aRecord(10, 'twice'), aRecord(11, 'twice')];
  await Promise.all([log.put(newer), log.put(older)]);
  const { events } = await log.list({ limit: 100 });
  expect(events.filter(({ eventId }) => eventId === 'twice')).toEqual([newer]);
});
