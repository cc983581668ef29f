/** Runs, records and the audit in a bucket before the table lets them go, and found there again. */
import { CreateBucketCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { buildApp } from 'fauxqs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { archived } from '../../bin/archive-reader.ts';
import { silent } from '../../lib/logging.ts';
import { tokenActor } from '../../lib/model/actor.ts';
import { auditEntry } from '../../lib/model/audit-entry.ts';
import type { Run } from '../../lib/model/run.ts';
import { runIdFor } from '../../lib/model/run-id.ts';
import { type ArchiveBucket, type ArchiveContext, archive } from '../../lib/runs/archive.ts';
import { archiveSource } from '../../lib/store/archive-source.ts';
import { dynamoAuditLog } from '../../lib/store/dynamodb-audit-log.ts';
import { dynamoRunStore } from '../../lib/store/dynamodb-run-store.ts';
import { LOCAL_AWS } from '../../local/stack/local-aws.ts';
import { startRunsTable } from '../fixtures/runs-table.ts';

const NOW = new Date();
const daysAgo = (days: number) => new Date(NOW.getTime() - days * 86_400_000).toISOString();
const BUCKET = 'archive';

const app = buildApp({ logger: false });
let table: Awaited<ReturnType<typeof startRunsTable>>;
let s3: S3Client;
let options: { endpoint: string } & typeof LOCAL_AWS;
beforeAll(async () => {
  options = { ...LOCAL_AWS, endpoint: await app.listen({ port: 0, host: '127.0.0.1' }) };
  s3 = new S3Client({ ...options, forcePathStyle: true });
  await s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
});
beforeEach(async () => {
  table = await startRunsTable();
  return () => table.stop();
});
afterAll(async () => {
  s3.destroy();
  app.server.closeAllConnections();
  await app.close();
});

function aRun(id: string, requestedAt: string): Run {
  return {
    version: 2,
    revision: 0,
    runId: runIdFor('patch-web', 'slack', id),
    rule: 'patch-web',
    trigger: { source: 'slack', type: 'chat.command', id, actor: { id: 'U1', name: 'ann', chat: 'slack' } },
    notify: [],
    target: {
      provider: 'tencent',
      region: 'ap-guangzhou',
      command: 'cmd-1',
      instances: ['ins-1'],
      parameters: { password: 'hunter2' },
      secretParameters: ['password'],
    },
    guards: {},
    onUnavailable: 'fail',
    requestedAt,
    deadline: requestedAt,
    status: 'succeeded',
    endedAt: requestedAt,
    invocations: [],
    tasks: [
      {
        invocationId: 'inv-1',
        taskId: 'invt-1',
        instanceId: 'ins-1',
        status: 'succeeded',
        providerStatus: 'SUCCESS',
        started: 'yes',
        exitCode: 0,
        // Stored by itself.
        output: Buffer.from('x'.repeat(2000)),
        outputDroppedBytes: 0,
        isEventSent: true,
      },
    ],
    outbox: [],
    failedReadings: 0,
  };
}

function anArchive(given: Partial<ArchiveContext> = {}) {
  const put: string[] = [];
  const bucket: ArchiveBucket = {
    async put(Key, Body) {
      put.push(Key);
      await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body }));
    },
  };
  const context: ArchiveContext = {
    source: archiveSource({ ...table, pageSize: 2 }),
    bucket,
    store: dynamoRunStore(table),
    log: silent,
    now: () => NOW,
    ...given,
  };
  const untilDone = async () => {
    for (let calls = 0; await archive(context); calls += 1) if (calls > 500) throw new Error('no end');
  };
  return { context, put, untilDone };
}

const read = async (kind: 'runs' | 'audit', since: string, until: string) => {
  const lines: unknown[] = [];
  for await (const line of archived({ bucket: BUCKET, kind, since, until }, options)) lines.push(line);
  return lines;
};

describe('the archive', () => {
  it('has each run of a day once, whole, without its secrets, and the audit', {
    timeout: 60_000,
  }, async () => {
    const store = dynamoRunStore(table);
    const runs = Array.from({ length: 9 }, (_, index) => aRun(`a${index}`, daysAgo(20)));
    const young = aRun('young', daysAgo(2));
    for (const run of [...runs, young]) await store.create(run);
    const froze = auditEntry({
      id: 'freeze.set/x',
      at: daysAgo(20),
      act: 'freeze.set',
      actor: tokenActor('duty'),
      message: 'All runs were frozen: x',
    });
    await dynamoAuditLog({ ...table, days: 400 }).add(froze);
    const { untilDone, put } = anArchive();
    await untilDone();
    const found = await read('runs', daysAgo(30), daysAgo(0));
    expect(found).toHaveLength(runs.length);
    expect(
      new Set(found.map((run) => JSON.stringify(run)).map((text) => /run-[a-z2-7]{26}/.exec(text)?.[0])),
    ).toEqual(new Set(runs.map(({ runId }) => runId)));
    expect(found[0]).toMatchObject({
      trigger: { actor: { id: 'U1', name: 'ann', chat: 'slack' } },
      tasks: [{ output: 'x'.repeat(2000) }],
    });
    expect(JSON.stringify(found)).not.toContain('hunter2');
    expect(await read('audit', daysAgo(30), daysAgo(0))).toEqual([froze]);
    // Nothing is left to do, and nothing is done again.
    put.length = 0;
    await untilDone();
    expect(put).toEqual([]);
  });

  it('loses nothing and has nothing twice when a process dies between object and cursor', {
    timeout: 60_000,
  }, async () => {
    const store = dynamoRunStore(table);
    const day = daysAgo(12);
    const runs = Array.from({ length: 7 }, (_, index) => aRun(`b${index}`, day));
    for (const run of runs) await store.create(run);
    const names: string[] = [];
    const source = archiveSource({ ...table, pageSize: 2 });
    let steps = 0;
    const dying = anArchive({
      source: {
        ...source,
        async advance(cursor) {
          steps += 1;
          if (steps % 3 === 0) throw new Error('the process died');
          return await source.advance(cursor);
        },
      },
    });
    for (let deaths = 0; ; deaths += 1) {
      if (deaths > 400) throw new Error('no end');
      const isMore = await archive(dying.context).catch(() => true);
      if (!isMore) break;
    }
    names.push(...dying.put);
    expect(names.length).toBeGreaterThan(new Set(names).size);
    const found = (await read('runs', day, day)).filter((run) => JSON.stringify(run).includes(day));
    expect(found).toHaveLength(runs.length);
  });

  it('is one, whoever is at work: two at once write the same', { timeout: 60_000 }, async () => {
    const store = dynamoRunStore(table);
    const day = daysAgo(9);
    for (let index = 0; index < 5; index += 1) await store.create(aRun(`c${index}`, day));
    await Promise.all([anArchive().untilDone(), anArchive().untilDone()]);
    const { Contents = [] } = await s3.send(
      new ListObjectsV2Command({ Bucket: BUCKET, Prefix: `runs/${day.slice(0, 10).replaceAll('-', '/')}/` }),
    );
    expect(Contents.length).toBeGreaterThan(0);
    expect(await read('runs', day, day)).toHaveLength(5);
  });
});
