/**
 * Texts of rules with CEL in them: `service-${event.data.labels.service}`. `$${` is a plain `${`. Parsed and checked
 * when the rules are loaded, rendered for each event without ever throwing.
 */
import type { EventKind, TriggerEvent } from '../model/trigger-event.ts';
import { compileExpression, type Expression } from './expression.ts';
import type { Steps } from './steps.ts';

export interface Template {
  /** As written. */
  readonly text: string;
  readonly parts: readonly (string | Expression)[];
  /** What it always is, when it has no expression. */
  readonly literal?: string;
}

/** `offset` counts characters from the start of the text. */
export type CompiledTemplate =
  | { ok: true; template: Template }
  | { ok: false; problem: string; offset: number };

export type Rendering<Value> = { ok: true; value: Value } | { ok: false; because: string };

const TEXT_TYPES: ReadonlySet<string> = new Set(['string', 'int', 'uint', 'double', 'bool', 'dyn']);
const LIST_TYPES: ReadonlySet<string> = new Set(['list', 'list<string>', 'list<dyn>']);

/** @param mayBeList whether a template that is one expression and nothing else may give a list of texts */
export function compileTemplate(
  text: string,
  kinds: readonly EventKind[],
  mayBeList = false,
): CompiledTemplate {
  const parts: (string | Expression)[] = [];
  let plain = '';
  for (let at = 0; at < text.length; ) {
    if (text.startsWith('$${', at)) {
      plain += '${';
      at += 3;
      continue;
    }
    if (!text.startsWith('${', at)) {
      plain += text[at++];
      continue;
    }
    const start = at + 2;
    const end = findEnd(text, start);
    if (end === undefined)
      return {
        ok: false,
        problem: `has a "\${" without its "}"; write "$\${" for the characters`,
        offset: at,
      };
    const compiled = compileExpression(text.slice(start, end), kinds);
    if (!compiled.ok)
      return { ok: false, problem: `in \`\${…}\`: ${compiled.problem}`, offset: start + compiled.offset };
    const isWhole = at === 0 && end === text.length - 1;
    const problem = findTypeProblem(compiled.expression, isWhole && mayBeList);
    if (problem !== undefined) return { ok: false, problem, offset: start };
    if (plain !== '') parts.push(plain);
    plain = '';
    parts.push(compiled.expression);
    at = end + 1;
  }
  if (plain !== '') parts.push(plain);
  const isLiteral = parts.every((part) => typeof part === 'string');
  return { ok: true, template: { text, parts, ...(isLiteral && { literal: parts.join('') }) } };
}

function findTypeProblem({ text, type }: Expression, mayBeList: boolean): string | undefined {
  if (TEXT_TYPES.has(type) || (mayBeList && LIST_TYPES.has(type))) return undefined;
  const wanted = mayBeList ? 'text or a list of texts' : 'text, a number or a truth value';
  return `expected ${wanted}, \`${text}\` is ${type}`;
}

/** Text from every part; a list, a null or an expression that fails is no text. */
export function renderText(template: Template, event: TriggerEvent, steps: Steps): Rendering<string> {
  let rendered = '';
  for (const part of template.parts) {
    if (typeof part === 'string') {
      rendered += part;
      continue;
    }
    const evaluation = part.evaluate(event, steps);
    if (!evaluation.ok) return evaluation;
    const text = toText(evaluation.value);
    if (text === undefined)
      return { ok: false, because: `\`${part.text}\` is ${nameOf(evaluation.value)}, not text` };
    rendered += text;
  }
  return { ok: true, value: rendered };
}

/**
 * A list of texts; from a template that gives one text, a list of one.
 * @throws OutOfSteps where the list has more elements than there are steps left
 */
export function renderList(template: Template, event: TriggerEvent, steps: Steps): Rendering<string[]> {
  const [only] = template.parts;
  if (template.parts.length === 1 && only !== undefined && typeof only !== 'string') {
    const evaluation = only.evaluate(event, steps);
    if (!evaluation.ok) return evaluation;
    if (Array.isArray(evaluation.value)) {
      steps.spend(evaluation.value.length);
      return toTexts(evaluation.value, only.text);
    }
  }
  const rendering = renderText(template, event, steps);
  return rendering.ok ? { ok: true, value: [rendering.value] } : rendering;
}

function toTexts(values: readonly unknown[], expression: string): Rendering<string[]> {
  const texts: string[] = [];
  for (const value of values) {
    const text = toText(value);
    if (text === undefined)
      return { ok: false, because: `\`${expression}\` has ${nameOf(value)} in its list, not text` };
    texts.push(text);
  }
  return { ok: true, value: texts };
}

/** The text of a value; undefined for values without an unambiguous text: null, lists, maps, times. */
export function toText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  return typeof value === 'number' && isExact(value) ? String(value) : undefined;
}

/** A whole number beyond 2^53 has lost digits when the JSON was read: it may name another thing by now. */
function isExact(value: number): boolean {
  return Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value);
}

function nameOf(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'number') return 'a number that is not exact';
  return Array.isArray(value) ? 'a list' : 'a map or an object';
}

/** The `}` that closes the expression: not one inside a text of CEL, not one of a map. */
function findEnd(text: string, start: number): number | undefined {
  let open = 0;
  for (let at = start; at < text.length; at++) {
    const character = text[at];
    if (character === '"' || character === "'") {
      const end = findQuoteEnd(text, at);
      if (end === undefined) return undefined;
      at = end;
    } else if (character === '{') open++;
    else if (character === '}' && open-- === 0) return at;
  }
  return undefined;
}

function findQuoteEnd(text: string, start: number): number | undefined {
  const quote = text.charAt(start);
  const isRaw = /[rR]/.test(text.charAt(start - 1));
  const close = text.startsWith(quote.repeat(3), start) ? quote.repeat(3) : quote;
  for (let at = start + close.length; at < text.length; at++) {
    if (text[at] === '\\' && !isRaw) at++;
    else if (text.startsWith(close, at)) return at + close.length - 1;
  }
  return undefined;
}
