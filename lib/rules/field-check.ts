/**
 * Finds fields that no event has. CEL's own checker lets them pass inside `has(…)` and after `.?`, where a mistyped
 * name would only ever be absent, and the rule would silently never fire.
 */
import type { ASTNode } from '@marcbachmann/cel-js';
import { closest } from './did-you-mean.ts';
import type { FieldType } from './event-fields.ts';
import { childrenOf } from './expression-limits.ts';

type Fields = { readonly [field: string]: FieldType };

/** @returns the first unknown field of `event.…`, with the character where it stands */
export function findUnknownField(
  node: ASTNode,
  fields: Fields,
): { problem: string; offset: number } | undefined {
  for (const child of childrenOf(node)) {
    const found = findUnknownField(child, fields);
    if (found !== undefined) return found;
  }
  const path = pathOf(node);
  const field = path?.at(-1);
  if (path === undefined || field === undefined || path[0] !== 'event' || path.length < 2) return undefined;
  const owner = path.slice(0, -1);
  const known = fieldsAt(fields, owner);
  if (known === undefined || known.includes(field)) return undefined;
  const guess = closest(field, known);
  const instead = guess === undefined ? `its fields: ${known.join(', ')}` : `did you mean \`${guess}\`?`;
  return {
    problem: `\`${owner.join('.')}\` has no field \`${field}\`; ${instead}`,
    offset: offsetOf(node, field),
  };
}

/** `['event', 'data', 'labels']` of `event.data.labels`, `event['data'].?labels`. */
export function pathOf(node: ASTNode): readonly string[] | undefined {
  if (node.op === 'id') return [node.args];
  if (node.op === '.' || node.op === '.?') {
    const owner = pathOf(node.args[0]);
    return owner && [...owner, node.args[1]];
  }
  if (node.op !== '[]' && node.op !== '[?]') return undefined;
  const [of, key] = node.args;
  const owner = pathOf(of);
  return owner && key.op === 'value' && typeof key.args === 'string' ? [...owner, key.args] : undefined;
}

function offsetOf(node: ASTNode, field: string): number {
  return node.op === '[]' || node.op === '[?]' ? node.args[1].start : node.end - field.length;
}

/** Undefined for what has no fixed fields. */
function fieldsAt(fields: Fields, path: readonly string[]): string[] | undefined {
  let at: FieldType | undefined = fields;
  for (const step of path.slice(1)) at = typeof at === 'object' ? at[step] : undefined;
  return typeof at === 'object' ? Object.keys(at) : undefined;
}
