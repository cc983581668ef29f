/** The archive of a deployment that has a bucket for it. S3's client is loaded with the first object, and nowhere else. */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type * as z from 'zod';
import type { PollerConfig } from '../config.ts';
import type { ArchiveContext } from '../runs/archive.ts';

type Config = Pick<
  z.infer<ReturnType<typeof PollerConfig>>,
  'ARCHIVE_BUCKET' | 'RUNS_TABLE' | 'RECORDS_TABLE'
>;
type Parts = Pick<ArchiveContext, 'store' | 'log' | 'now'>;

/** A process that has nothing to archive looks again after this. */
const LOOK_EVERY_MS = 15 * 60_000;

/** @returns what the poller calls each time; nothing where no bucket is set */
export function archiveOf(
  { ARCHIVE_BUCKET: Bucket, RUNS_TABLE: table, RECORDS_TABLE: recordsTable }: Config,
  client: DynamoDBDocumentClient,
  parts: Parts,
): () => Promise<void> {
  if (Bucket === undefined) return async () => {};
  let opened: Promise<{ look: () => Promise<boolean> }> | undefined;
  const open = async () => {
    const [{ archive }, { archiveSource }, s3] = await Promise.all([
      import('../runs/archive.ts'),
      import('../store/archive-source.ts'),
      import('@aws-sdk/client-s3'),
    ]);
    // A path, not a host name: one certificate and one address for every name of a bucket.
    const objects = new s3.S3Client({ forcePathStyle: true });
    const context: ArchiveContext = {
      ...parts,
      source: archiveSource({ client, table, recordsTable }),
      bucket: {
        async put(Key, Body) {
          await objects.send(new s3.PutObjectCommand({ Bucket, Key, Body, ContentType: 'application/gzip' }));
        },
      },
    };
    return { look: () => archive(context) };
  };
  let nextMs = 0;
  return async () => {
    if (parts.now().getTime() < nextMs) return;
    opened ??= open();
    const isMore = await (await opened).look();
    if (!isMore) nextMs = parts.now().getTime() + LOOK_EVERY_MS;
  };
}
