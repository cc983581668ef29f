/**
 * The whole output of a task in a COS bucket, `<prefix>/<invocation>/<task>.log` as the real agent names it. The local
 * bucket is a folder; the address that the task shows is this server's, so that it can be opened.
 */
import { messageOf } from '../../lib/errors.ts';
import type { Invocation, Task } from './records.ts';
import type { World } from './world.ts';

/** Where this server gives the objects of its buckets back. */
export const COS_PATH = '/_cos/';

/** @returns undefined where no bucket is named */
export function beginUpload(world: World, invocation: Invocation, task: Task) {
  const { outputCosBucketUrl: url, outputCosKeyPrefix: prefix } = invocation;
  if (url === '') return undefined;
  const collected = world.engine.buckets.collect();
  return {
    add: collected.add,
    /** The command has ended: its output is stored, and the task says where, or why not. */
    async finish(): Promise<void> {
      const fault = world.faults.takeForDelivery(task.instanceId);
      if (fault !== undefined) {
        task.upload = { error: fault.message };
        return;
      }
      const bucket = bucketOf(url);
      const key = [prefix.replace(/\/$/, ''), invocation.id, `${task.id}.log`]
        .filter((part) => part !== '')
        .join('/');
      try {
        await collected.store(bucket, key);
        task.upload = { url: `${world.address()}${COS_PATH}${bucket}/${key}` };
      } catch (error) {
        task.upload = { error: messageOf(error) };
      }
    },
  };
}

/** `logs-123456` of `https://logs-123456.cos.ap-beijing.myqcloud.com`. */
export function bucketOf(url: string): string {
  return new URL(url).hostname.split('.')[0] ?? '';
}
