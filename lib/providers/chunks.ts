/** Lists of at most `most`, in order. */
export function inChunks<T>(items: readonly T[], most: number): T[][] {
  const chunks: T[][] = [];
  for (let start = 0; start < items.length; start += most) chunks.push(items.slice(start, start + most));
  return chunks;
}
