/** The audit: entries that are added and never changed, listed with the runs of their time. */
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tokenActor } from '../../../lib/model/actor.ts';
import { type AuditEntry, auditEntry } from '../../../lib/model/audit-entry.ts';
import { dynamoAuditLog } from '../../../lib/store/dynamodb-audit-log.ts';
import { rulesSeen } from '../../../lib/store/dynamodb-rules-seen.ts';
import { startRunsTable } from '../../fixtures/runs-table.ts';

let table: Awaited<ReturnType<typeof startRunsTable>>;
beforeAll(async () => {
  table = await startRunsTable();
});
afterAll(() => table.stop());

const NOW = new Date();
const daysAgo = (days: number) => new Date(NOW.getTime() - days * 86_400_000).toISOString();
const anEntry = (id: string, at: string, by = 'ann', message = 'The run was approved.'): AuditEntry =>
  auditEntry({ id, at, act: 'run.approved', actor: tokenActor(by), message });
const aLog = (days = 400) => dynamoAuditLog({ ...table, days, now: () => NOW });

describe('an entry', () => {
  it('is added once: who tells the same act again changes nothing', async () => {
    const log = aLog();
    expect(await log.add(anEntry('run.approved/once', daysAgo(1), 'ann'))).toBe(true);
    expect(await log.add(anEntry('run.approved/once', daysAgo(0), 'mallory', 'Not me.'))).toBe(false);
    expect((await log.list({ limit: 100, by: 'mallory', since: daysAgo(3) })).entries).toEqual([]);
    expect((await log.list({ limit: 100, by: 'ann', since: daysAgo(3) })).entries).toMatchObject([
      { at: daysAgo(1) },
    ]);
  });

  it('is kept for as long as is configured, and found as long', async () => {
    const log = aLog(90);
    await log.add(anEntry('run.approved/old', daysAgo(80), 'olga'));
    expect(
      (await log.list({ limit: 1, by: 'olga', since: daysAgo(85), until: daysAgo(70) })).entries,
    ).toHaveLength(1);
    const { Items = [] } = await table.client.send(new ScanCommand({ TableName: table.recordsTable }));
    const item = Items.find(({ pk }) => pk === 'AUDIT#run.approved/old');
    expect(item?.['expiresAt']).toBe(Math.floor(Date.parse(daysAgo(-10)) / 1000));
  });

  it('has a reason of any length cut', () => {
    expect(anEntry('x', daysAgo(0), 'ann', 'x'.repeat(10_000)).message).toHaveLength(1001);
  });
});

it('is listed page by page, newest first, without a gap or a repetition', async () => {
  const log = aLog();
  const ids = Array.from({ length: 23 }, (_, index) => `run.approved/page-${index}`);
  for (const [index, id] of ids.entries()) await log.add(anEntry(id, daysAgo(index / 4), 'page'));
  for (const [index] of ids.entries()) await log.add(anEntry(`other-${index}`, daysAgo(index / 5), 'other'));
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await log.list({ limit: 4, by: 'page', since: daysAgo(7), cursor });
    expect(page.entries.length).toBeLessThanOrEqual(4);
    seen.push(...page.entries.map(({ id }) => id));
    cursor = page.cursor;
  } while (cursor !== undefined);
  expect(seen).toEqual(ids);
});

describe('a change of the rules', () => {
  const changes = async () =>
    (await aLog().list({ limit: 100, act: 'rules.changed', since: daysAgo(1) })).entries.map(
      ({ details }) => details?.['digest'],
    );
  const aProcess = (audit = aLog()) => rulesSeen({ ...table, audit, now: () => new Date() });

  it('is on record once, however many processes start with it, and so is the way back', async () => {
    const [one, other] = [aProcess(), aProcess()];
    await Promise.all([one('a'.repeat(64)), other('a'.repeat(64))]);
    await aProcess()('a'.repeat(64));
    expect(await changes()).toEqual(['a'.repeat(64)]);
    await aProcess()('b'.repeat(64));
    await aProcess()('a'.repeat(64));
    expect((await changes()).toSorted()).toEqual(['a', 'a', 'b'].map((letter) => letter.repeat(64)));
  });

  it('is on record, once, if the process dies before it has noted that', async () => {
    const dying = rulesSeen({
      ...table,
      audit: {
        add: async (entry) => {
          await aLog().add(entry);
          throw new Error('the process died');
        },
      },
      now: () => new Date(),
    });
    await expect(dying('c'.repeat(64))).rejects.toThrow('died');
    await aProcess()('c'.repeat(64));
    expect((await changes()).filter((digest) => digest?.startsWith('c'))).toHaveLength(1);
  });
});
