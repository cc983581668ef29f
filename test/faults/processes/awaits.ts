/**
 * Rewrites a module so that each of its awaits reports its place: before it waits (the call was made, and its answer is
 * not seen) and after (the answer is there, and nothing was done with it yet). Found by a parser: nobody keeps a list.
 */
import { parseSync, Visitor } from 'oxc-parser';

interface Insertion {
  at: number;
  text: string;
}

/**
 * @param file as places name it, and as the parser knows its language
 * @returns TypeScript in which `await x` is `await __awaited('file:line:column', x)`
 */
export function reportAwaits(source: string, file: string): string {
  const { program, errors } = parseSync(file, source, { range: false });
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`);
  const lineStarts = [0, ...[...source.matchAll(/\n/g)].map(({ index }) => index + 1)];
  const placeOf = (offset: number): string => {
    const line = lineStarts.findLastIndex((start) => start <= offset);
    return `${file}:${line + 1}:${offset - (lineStarts[line] ?? 0) + 1}`;
  };
  const insertions: Insertion[] = [];
  const wrap = (name: string, place: string, { start, end }: { start: number; end: number }): void => {
    insertions.push({ at: start, text: `${name}(${JSON.stringify(place)}, ` }, { at: end, text: ')' });
  };
  new Visitor({
    AwaitExpression(node) {
      wrap('__awaited', placeOf(node.start), node.argument);
    },
    ForOfStatement(node) {
      if (node.await) wrap('__pages', placeOf(node.start), node.right);
    },
  }).visit(program);
  return withInsertions(source, insertions);
}

/** What ends at an offset goes before what begins there. */
function withInsertions(source: string, insertions: readonly Insertion[]): string {
  const sorted = insertions.toSorted(
    (a, b) => a.at - b.at || Number(b.text === ')') - Number(a.text === ')'),
  );
  const parts: string[] = [];
  let from = 0;
  for (const { at, text } of sorted) {
    parts.push(source.slice(from, at), text);
    from = at;
  }
  return [...parts, source.slice(from)].join('');
}
