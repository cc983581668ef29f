/** Turns what zod found into sentences: what was expected, what came, what to write instead, and where. */
import type * as z from 'zod';
import { closest } from './did-you-mean.ts';
import type { Path, Position, YamlFile } from './positions.ts';
import { keysAt } from './schema-keys.ts';

export interface Problem extends Position {
  message: string;
}

/** Collects problems with their places. */
export interface Problems {
  readonly found: readonly Problem[];
  /** @param path what it is about; with `offset`, a character of the text there */
  add(path: Path, message: string, offset?: number): void;
  /** About the key at the end of the path, not its value. */
  addAtKey(path: Path, message: string): void;
  /** What a schema says of the value at `base`. */
  addIssues(base: Path, error: z.ZodError, schema: z.ZodType, value: unknown): void;
}

export function collectProblems(file: YamlFile): Problems {
  const found: Problem[] = file.problems.map((problem) => ({ ...problem }));
  return {
    found,
    add(path, message, offset) {
      const position = offset === undefined ? file.at(path) : file.inText(path, offset);
      found.push({ ...position, message: `${nameOf(path)}${message}` });
    },
    addAtKey(path, message) {
      const position = file.atKey(path.slice(0, -1), String(path.at(-1)));
      found.push({ ...position, message: `${nameOf(path)}${message}` });
    },
    addIssues(base, error, schema, value) {
      for (const issue of error.issues) {
        const path = [...base, ...issue.path];
        if (issue.code === 'unrecognized_keys') {
          const known = keysAt(schema, issue.path);
          for (const key of issue.keys) {
            found.push({ ...file.atKey(path, key), message: `${nameOf(path)}${unknownKey(key, known)}` });
          }
          continue;
        }
        const isKey = issue.code === 'invalid_key';
        const position = isKey ? file.atKey(path.slice(0, -1), String(path.at(-1))) : file.at(path);
        found.push({
          ...position,
          message: `${nameOf(path)}${sentenceOf(issue, valueAt(value, issue.path))}`,
        });
      }
    },
  };
}

function unknownKey(key: string, known: readonly string[]): string {
  const guess = closest(key, known);
  const instead = guess === undefined ? `write one of ${known.join(', ')}` : `did you mean \`${guess}\`?`;
  return `there is no \`${key}\` here; ${instead}`;
}

function sentenceOf(issue: z.core.$ZodIssue, value: unknown): string {
  const came = value === undefined ? 'nothing' : describe(value);
  switch (issue.code) {
    case 'invalid_type':
      return value === undefined
        ? `is missing: expected ${nounOf(issue.expected)}`
        : `expected ${nounOf(issue.expected)}, came ${came}`;
    case 'invalid_value': {
      const values = issue.values.map(String);
      const guess = typeof value === 'string' ? closest(value, values) : undefined;
      const instead = guess === undefined ? '' : `; did you mean \`${guess}\`?`;
      return value === undefined
        ? `is missing: expected ${values.join(' or ')}`
        : `expected ${values.join(' or ')}, came ${came}${instead}`;
    }
    case 'too_small':
    case 'too_big': {
      const isLeast = issue.code === 'too_small';
      const bound = isLeast ? `at least ${issue.minimum}` : `at most ${issue.maximum}`;
      const unit = issue.origin === 'string' ? ' characters' : issue.origin === 'array' ? ' items' : '';
      return `expected ${bound}${unit}, came ${came}`;
    }
    case 'invalid_key':
      return issue.issues[0]?.message ?? issue.message;
    case 'custom':
      return issue.message;
    case 'invalid_union':
    case 'invalid_format':
    case 'invalid_element':
    case 'not_multiple_of':
    case 'unrecognized_keys':
      return value === undefined ? `is missing: ${issue.message}` : `${issue.message}, came ${came}`;
  }
}

const NOUNS: Readonly<Record<string, string>> = {
  string: 'a text',
  int: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map (key: value)',
  record: 'a map (key: value)',
};

function nounOf(type: string): string {
  return NOUNS[type] ?? type;
}

/** Short, for a message: the file is the author's own. */
function describe(value: unknown): string {
  if (value === null) return 'nothing (an empty value)';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a map';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** `rules[0].run.command: ` */
function nameOf(path: Path): string {
  if (path.length === 0) return '';
  const name = path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');
  return `${name}: `;
}

function valueAt(value: unknown, path: Path): unknown {
  let at = value;
  for (const part of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = Object.entries(at).find(([key]) => key === String(part))?.[1];
  }
  return at;
}
