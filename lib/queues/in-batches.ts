/** Puts what is sent together into as few requests as their limits allow, in its order. */
export interface BatchLimits {
  entries: number;
  bytes: number;
}

/** One that is too large by itself has a batch of its own: the other side says so. */
export function inBatches<Item>(
  items: readonly Item[],
  bytesOf: (item: Item) => number,
  limits: BatchLimits,
): Item[][] {
  const batches: Item[][] = [];
  let bytes = 0;
  for (const item of items) {
    const size = bytesOf(item);
    const batch = batches.at(-1);
    if (batch === undefined || batch.length === limits.entries || bytes + size > limits.bytes) {
      batches.push([item]);
      bytes = size;
    } else {
      batch.push(item);
      bytes += size;
    }
  }
  return batches;
}
