/**
 * The object storage of the local clouds: a folder for each bucket, in which whole outputs are kept as the clouds keep
 * them in COS and OSS. Both local servers give their files back over HTTP.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';

/** More of one output is not kept: a command that never stops writing must not fill this machine. */
const MAX_OBJECT_BYTES = 16 * 1024 * 1024;

export interface Buckets {
  /** Collects an output while the command runs. */
  collect(): Collected;
  /** The folder of all buckets. */
  readonly folder: string;
  /** An object as it was stored; undefined where there is none. */
  read(bucket: string, key: string): Promise<Buffer | undefined>;
}

export interface Collected {
  add(chunk: Buffer): void;
  /** @throws TypeError when the name leads out of the bucket */
  store(bucket: string, key: string): Promise<void>;
}

export function createBuckets(folder: string): Buckets {
  /** @returns undefined for a name that leads out of its bucket */
  const pathOf = (bucket: string, key: string): string | undefined => {
    if (!/^[A-Za-z0-9][A-Za-z0-9-]*$/.test(bucket)) return undefined;
    const path = resolve(folder, bucket, key);
    return path.startsWith(join(folder, bucket) + sep) ? path : undefined;
  };
  return {
    folder,
    collect() {
      const chunks: Buffer[] = [];
      let size = 0;
      return {
        add(chunk) {
          const part = chunk.subarray(0, MAX_OBJECT_BYTES - size);
          if (part.length === 0) return;
          chunks.push(part);
          size += part.length;
        },
        async store(bucket, key) {
          const path = pathOf(bucket, key);
          if (path === undefined) throw new TypeError(`${bucket}/${key} is no name of an object`);
          await mkdir(dirname(path), { recursive: true });
          await writeFile(path, Buffer.concat(chunks));
        },
      };
    },
    async read(bucket, key) {
      const path = pathOf(bucket, key);
      return path === undefined ? undefined : await readFile(path).catch(() => undefined);
    },
  };
}
