/**
 * How much of a command's output is kept. The two agents differ, and people meet the difference at the worst time:
 * TAT keeps the first 24 KB, Cloud Assistant the start and the end with the middle cut out.
 */

/** `head`: the first `capacity` bytes. `head-and-tail`: the first `head` bytes, and the last up to `capacity`. */
export type OutputPolicy =
  | { keep: 'head'; capacity: number }
  | { keep: 'head-and-tail'; capacity: number; head: number };

/** TAT: the first 24*1024 bytes (as tat-agent keeps them). */
export const TAT_OUTPUT: OutputPolicy = { keep: 'head', capacity: 24 * 1024 };
/** Cloud Assistant: 24 KB, of which about 6000 bytes from the start. */
export const CLOUD_ASSISTANT_OUTPUT: OutputPolicy = {
  keep: 'head-and-tail',
  capacity: 24 * 1024,
  head: 6000,
};

export interface KeptOutput {
  bytes: Buffer;
  /** Bytes that were cut. */
  dropped: number;
}

export interface OutputKeeper {
  add(chunk: Buffer): void;
  kept(): KeptOutput;
}

/** Collects output in bounded memory. */
export function outputKeeper(policy: OutputPolicy): OutputKeeper {
  const headCapacity = policy.keep === 'head' ? policy.capacity : policy.head;
  const tailCapacity = policy.capacity - headCapacity;
  const head: Buffer[] = [];
  let headLength = 0;
  let tail: Buffer[] = [];
  let tailLength = 0;
  let total = 0;

  const compactTail = (): void => {
    const whole = Buffer.concat(tail);
    const kept = whole.subarray(Math.max(0, whole.length - tailCapacity));
    tail = [Buffer.from(kept)];
    tailLength = kept.length;
  };

  return {
    add(chunk) {
      total += chunk.length;
      const toHead = chunk.subarray(0, headCapacity - headLength);
      if (toHead.length > 0) {
        head.push(toHead);
        headLength += toHead.length;
      }
      const rest = chunk.subarray(toHead.length);
      if (rest.length === 0 || tailCapacity === 0) return;
      tail.push(rest);
      tailLength += rest.length;
      if (tailLength > 4 * tailCapacity) compactTail();
    },
    kept() {
      if (tailLength > tailCapacity) compactTail();
      const bytes = Buffer.concat([...head, ...tail]);
      return { bytes, dropped: total - bytes.length };
    },
  };
}
