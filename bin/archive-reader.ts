/** Reads the archive of a deployment: lines of JSON in a bucket, by day. */
import { gunzipSync } from 'node:zlib';
import { GetObjectCommand, ListObjectsV2Command, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { environment } from '../lib/config.ts';
import { FleetReflexError, messageOf } from '../lib/errors.ts';

export interface ArchivePeriod {
  bucket: string;
  kind: 'runs' | 'audit';
  /** ISO 8601. */
  since: string;
  until: string;
}

const DAY_MS = 86_400_000;

/**
 * Newest day first, each as it was archived. Needs `s3:ListBucket` and `s3:GetObject`, of the person and not of the API.
 * @throws FleetReflexError `archive.unreadable`
 */
export async function* archived(
  { bucket: Bucket, kind, since, until }: ArchivePeriod,
  options: S3ClientConfig = localOptions(),
): AsyncGenerator<unknown> {
  const client = new S3Client({ forcePathStyle: true, ...options });
  try {
    const oldest = Date.parse(since.slice(0, 10));
    for (let ms = Date.parse(until.slice(0, 10)); ms >= oldest; ms -= DAY_MS) {
      const Prefix = `${kind}/${new Date(ms).toISOString().slice(0, 10).replaceAll('-', '/')}/`;
      let ContinuationToken: string | undefined;
      do {
        const page = await client.send(new ListObjectsV2Command({ Bucket, Prefix, ContinuationToken }));
        for (const { Key } of page.Contents ?? []) yield* await linesOf(client, Bucket, Key);
        ContinuationToken = page.NextContinuationToken;
      } while (ContinuationToken !== undefined);
    }
  } catch (cause) {
    if (cause instanceof FleetReflexError) throw cause;
    throw new FleetReflexError(
      'archive.unreadable',
      `The bucket ${Bucket} could not be read (${messageOf(cause)}). It is what ARCHIVE_BUCKET names, in the region of AWS_REGION, and you need s3:ListBucket and s3:GetObject on it.`,
      { cause },
    );
  } finally {
    client.destroy();
  }
}

async function linesOf(client: S3Client, Bucket: string, Key: string | undefined): Promise<unknown[]> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
  const packed = await Body?.transformToByteArray();
  if (packed === undefined) return [];
  return gunzipSync(packed)
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line));
}

function localOptions(): S3ClientConfig {
  const endpoint = environment['AWS_ENDPOINT_URL_S3'];
  return endpoint === undefined ? {} : { endpoint };
}
