/** Where in the rules file something stands, so that a problem names line and column: also inside a text of CEL. */
import { type Document, isMap, isNode, isScalar, LineCounter, type Node, parseDocument } from 'yaml';

export type Path = readonly PropertyKey[];
export interface Position {
  line: number;
  column: number;
}

export interface YamlFile {
  /** Plain data; undefined when the text is no YAML. */
  readonly value: unknown;
  /** Problems of the YAML syntax. */
  readonly problems: readonly (Position & { message: string })[];
  /** The position of the value, or of the nearest thing around it. */
  at(path: Path): Position;
  /** The position of a key itself. */
  atKey(path: Path, key: string): Position;
  /** The position of a character of the text at that path. */
  inText(path: Path, offset: number): Position;
  /** How a scalar is written in the file; undefined for what is none. */
  sourceOf(path: Path): string | undefined;
}

export function readYaml(text: string): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const positionOf = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const problems = document.errors.map((error) => ({
    ...positionOf(error.pos[0]),
    message: `${error.message}. It has to be YAML 1.2`,
  }));
  const startOf = (path: Path): number => nodeAt(document, path)?.range?.[0] ?? 0;
  return {
    value: problems.length > 0 ? undefined : toData(document, problems, positionOf),
    problems,
    at: (path) => positionOf(startOf(path)),
    atKey(path, key) {
      const node = nodeAt(document, path);
      const pair = isMap(node)
        ? node.items.find((item) => isScalar(item.key) && String(item.key.value) === key)
        : undefined;
      return positionOf(isNode(pair?.key) ? (pair.key.range?.[0] ?? 0) : startOf(path));
    },
    inText(path, offset) {
      const node = nodeAt(document, path);
      const start = node?.range?.[0] ?? 0;
      if (!isScalar(node) || typeof node.value !== 'string') return positionOf(start);
      return positionOf(
        start + offsetInSource(text.slice(start, node.range?.[1] ?? start), node.value, offset),
      );
    },
    sourceOf(path) {
      const node = document.getIn(path, true);
      return isScalar(node) ? node.source : undefined;
    },
  };
}

function toData(
  document: Document,
  problems: (Position & { message: string })[],
  positionOf: (offset: number) => Position,
): unknown {
  try {
    // Aliases are limited, so that a few lines cannot become gigabytes.
    const value: unknown = document.toJS({ maxAliasCount: 50 });
    return value;
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    problems.push({ ...positionOf(0), message });
    return undefined;
  }
}

/** The node at the path, or the nearest around it. */
function nodeAt(document: Document, path: Path): Node | undefined {
  for (let length = path.length; length >= 0; length--) {
    const node: unknown = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    if (isNode(node)) return node;
  }
  return undefined;
}

/**
 * Where the value's character stands in the text as written: quotes, escapes, a block's header and indentation are
 * passed over. Where the two cannot be followed (`\u0041`), the nearest place before.
 */
function offsetInSource(source: string, value: string, offset: number): number {
  const header = /^[|>][^\n]*\n/.exec(source)?.[0].length;
  let at = header ?? (/^["']/.test(source) ? 1 : 0);
  for (let index = 0; index < value.length && at < source.length; ) {
    const wanted = value[index];
    const isSpace = wanted === ' ' || wanted === '\n';
    if (source[at] === '\n' && isSpace) {
      at += /^\n[ \t]*/.exec(source.slice(at))?.[0].length ?? 1;
      if (index === offset) return at - 1;
      index++;
    } else if (source[at] === wanted) {
      if (index === offset) return at;
      at++;
      index++;
    } else {
      at++;
    }
  }
  return Math.min(at, Math.max(source.length - 1, 0));
}
