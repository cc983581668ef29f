/**
 * Finds comparisons that no event can meet: of a field whose values are a closed list with a text that is not in it. Such a
 * `when` passes the type check, and its rule would silently never fire.
 */
import type { ASTNode } from '@marcbachmann/cel-js';
import * as z from 'zod';
import { CompletionEventType } from '../model/completion-event.ts';
import { AlertData, type EventKind } from '../model/trigger-event.ts';
import { closest } from './did-you-mean.ts';
import { KNOWN_DATA } from './event-fields.ts';
import { childrenOf } from './expression-limits.ts';
import { pathOf } from './field-check.ts';

interface Known {
  kinds: readonly EventKind[];
  /** The rules and standing schedules of the file. */
  named: readonly string[];
}

const OWN_PREFIX = 'fleet-reflex.';
const COMPLETION_PREFIX = 'completion.';

/** @returns the first such comparison, with the character where the text stands */
export function findUnknownValue(
  node: ASTNode,
  known: Known,
): { problem: string; offset: number } | undefined {
  for (const child of childrenOf(node)) {
    const found = findUnknownValue(child, known);
    if (found !== undefined) return found;
  }
  const { field, texts } = comparisonOf(node);
  const path = field && pathOf(field);
  const values = path && valuesOf(path, known);
  if (path === undefined || values === undefined) return undefined;
  for (const { args, start } of texts) {
    // `!= ''` is how a rule says that it is for every value.
    if (typeof args !== 'string' || values.includes(args) || (node.op === '!=' && args === '')) continue;
    return { problem: problemOf(path.join('.'), args, values), offset: start };
  }
  return undefined;
}

function comparisonOf(node: ASTNode): { field?: ASTNode; texts: readonly ASTNode[] } {
  if (node.op === '==' || node.op === '!=') {
    const [left, right] = node.args;
    return left.op === 'value' ? { field: right, texts: [left] } : { field: left, texts: textsOf([right]) };
  }
  if (node.op !== 'in') return { texts: [] };
  const [field, list] = node.args;
  return { field, texts: list.op === 'list' ? textsOf(list.args) : [] };
}

function textsOf(nodes: readonly ASTNode[]): ASTNode[] {
  return nodes.filter(({ op }) => op === 'value');
}

/** Undefined where the field may be any text in an event of one of the kinds. */
function valuesOf(path: readonly string[], { kinds, named }: Known): readonly string[] | undefined {
  const [root, field, ...below] = path;
  if (root !== 'event' || kinds.length === 0) return undefined;
  if (field === 'kind' && below.length === 0) return kinds;
  const lists = kinds.flatMap((kind) => {
    if (field === 'type' && below.length === 0) return [typesOf(kind)];
    if (field !== 'data') return [undefined];
    // All completions come from rules and schedules: of this file, as far as anybody can know here.
    if (kind === 'completion' && below.join('.') === 'rule') return [named];
    return closedValues(KNOWN_DATA[kind], below);
  });
  const closed = lists.filter((list) => list !== undefined);
  return closed.length === 0 || closed.length < lists.length ? undefined : [...new Set(closed.flat())];
}

/** @returns nothing where the kind has no such field, and `[undefined]` where it may be any text */
function closedValues(
  schema: z.core.$ZodType,
  [field, ...below]: readonly string[],
): (string[] | undefined)[] {
  if (schema instanceof z.ZodOptional) return closedValues(schema.def.innerType, fieldsOf(field, below));
  if (field === undefined) return [schema instanceof z.ZodEnum ? schema.options.map(String) : undefined];
  if (!(schema instanceof z.ZodObject)) return [undefined];
  const inner: z.core.$ZodType | undefined = Object.hasOwn(schema.shape, field)
    ? schema.shape[field]
    : undefined;
  return inner === undefined ? [] : closedValues(inner, below);
}

function fieldsOf(field: string | undefined, below: readonly string[]): readonly string[] {
  return field === undefined ? [] : [field, ...below];
}

/** What `event.type` may be; undefined where sources name the verbs. */
function typesOf(kind: EventKind): string[] | undefined {
  switch (kind) {
    case 'alert':
      return AlertData.shape.status.options.map((status) => `alert.${status}`);
    case 'completion':
      return CompletionEventType.options.map(
        (type) => `${COMPLETION_PREFIX}${type.slice(OWN_PREFIX.length)}`,
      );
    case 'deploy':
    case 'chat':
    case 'generic':
      return undefined;
  }
}

function problemOf(field: string, text: string, values: readonly string[]): string {
  // The type as it is published, where a rule sees that of a trigger event.
  const meant = field === 'event.type' && text.startsWith(OWN_PREFIX) ? inEvents(text) : text;
  const guess = values.includes(meant) ? meant : closest(meant, values);
  const shown = values.length === 0 ? 'none' : values.map((value) => `'${value}'`).join(', ');
  const instead = guess === undefined ? `it is one of ${shown}` : `did you mean '${guess}'?`;
  if (field !== 'event.data.rule') return `\`${field}\` is never '${text}'; ${instead}`;
  const hint = `a rule of another deployment: \`${field}.matches('^${text}$')\``;
  return `no rule or schedule of this file is '${text}'; ${instead.replace(/\?$/, '')}, or, if it is ${hint}`;
}

function inEvents(type: string): string {
  return `${COMPLETION_PREFIX}${type.slice(OWN_PREFIX.length)}`;
}
