/**
 * The CEL expressions of rules: parsed and type-checked once when the rules are loaded, bounded in size and work, and
 * evaluated without ever throwing: an expression that fails says why.
 */
import { type ASTNode, Environment, EvaluationError } from '@marcbachmann/cel-js';
import { messageOf } from '../errors.ts';
import type { EventKind, TriggerEvent } from '../model/trigger-event.ts';
import { compilePattern, type LinearPattern } from '../regex/linear-match.ts';
import { eventFields } from './event-fields.ts';
import { findLimitProblem, useLinearMatches } from './expression-limits.ts';
import { findUnknownField } from './field-check.ts';
import { meterExpression, spendSteps, withSteps } from './metered-expression.ts';
import { toSafeNumber, toSafeText } from './safe-text.ts';
import { OutOfSteps, type Steps } from './steps.ts';

export type Evaluation = { ok: true; value: unknown } | { ok: false; because: string };

export interface Expression {
  readonly text: string;
  /** The CEL type as checked: `bool`, `string`, `list<string>`, `dyn`. */
  readonly type: string;
  readonly ast: ASTNode;
  /** Fails when there are no steps left, whatever it would have been. */
  evaluate(event: TriggerEvent, steps: Steps): Evaluation;
}

/** `offset` counts characters from the start of the expression. */
export type CompiledExpression =
  | { ok: true; expression: Expression }
  | { ok: false; problem: string; offset: number };

const MAX_TEXT = 4096;
/** What `matches()` looks at; a longer text is an evaluation that failed. */
const MAX_SUBJECT = 8192;
const MAX_PATTERNS = 1000;

const environments = new Map<string, Environment>();
const patterns = new Map<string, LinearPattern>();

/** @param kinds the kinds of event that it will be evaluated on */
export function compileExpression(text: string, kinds: readonly EventKind[]): CompiledExpression {
  if (text.trim() === '') return { ok: false, problem: 'is empty', offset: 0 };
  if (text.length > MAX_TEXT)
    return { ok: false, problem: `is longer than ${MAX_TEXT} characters`, offset: 0 };
  try {
    const parsed = environmentOf(kinds).parse(text);
    const problem = findLimitProblem(parsed.ast) ?? findUnknownField(parsed.ast, eventFields(kinds));
    if (problem !== undefined) return { ok: false, ...problem };
    useLinearMatches(parsed.ast);
    const checked = parsed.check();
    if (!checked.valid) return { ok: false, ...describe(checked.error) };
    meterExpression(parsed.ast);
    const evaluate = (event: TriggerEvent, steps: Steps): Evaluation => {
      let evaluation: Evaluation;
      try {
        const value: unknown = withSteps(steps, () => parsed({ event }));
        evaluation = { ok: true, value };
      } catch (thrown) {
        evaluation = { ok: false, because: thrown instanceof OutOfSteps ? '' : explain(thrown, text) };
      }
      // CEL takes `true` beside what failed for true: what was not looked at to its end says nothing here.
      const whySpent = steps.whySpent();
      return whySpent === undefined ? evaluation : { ok: false, because: whySpent };
    };
    return { ok: true, expression: { text, type: checked.type ?? 'dyn', ast: parsed.ast, evaluate } };
  } catch (thrown) {
    return { ok: false, ...describe(thrown) };
  }
}

/**
 * One that was compiled before, when the rules were packaged: it is compiled again when it is first used.
 * @param kinds asked for at that time
 */
export function knownExpression(text: string, kinds: () => readonly EventKind[]): Expression {
  let known: Expression | undefined;
  const expression = (): Expression => {
    if (known !== undefined) return known;
    const compiled = compileExpression(text, kinds());
    if (!compiled.ok) throw new Error(`\`${text}\` was packaged and does not compile: ${compiled.problem}`);
    known = compiled.expression;
    return known;
  };
  return {
    text,
    get type() {
      return expression().type;
    },
    get ast() {
      return expression().ast;
    },
    evaluate: (event, steps) => expression().evaluate(event, steps),
  };
}

function environmentOf(kinds: readonly EventKind[]): Environment {
  const key = kinds.toSorted().join();
  const known = environments.get(key);
  if (known !== undefined) return known;
  const environment = new Environment({
    enableOptionalTypes: true,
    homogeneousAggregateLiterals: false,
    limits: {
      maxAstNodes: 500,
      maxDepth: 40,
      maxListElements: 200,
      maxMapEntries: 200,
      maxCallArguments: 10,
    },
  })
    .registerVariable({ name: 'event', schema: eventFields(kinds) })
    .registerFunction('safe(string): string', toSafeText)
    .registerFunction('safe(double): string', toSafeNumber)
    .registerFunction('safe(int): string', toSafeNumber)
    .registerFunction('safe(bool): string', (value: boolean) => String(value))
    .registerFunction('string.matchesLinear(string): bool', matchesLinear);
  environments.set(key, environment);
  return environment;
}

function matchesLinear(subject: string, source: string): boolean {
  if (subject.length > MAX_SUBJECT) {
    throw new EvaluationError({
      code: 'text_too_long',
      message: `matches() looks at texts of at most ${MAX_SUBJECT} characters, this one has ${subject.length}`,
    });
  }
  let pattern = patterns.get(source);
  if (pattern === undefined) {
    const compiled = compilePattern(source);
    if (!compiled.ok) throw new EvaluationError({ message: `the pattern ${compiled.problem}` });
    pattern = compiled.pattern;
    if (patterns.size < MAX_PATTERNS) patterns.set(source, pattern);
  }
  return pattern.isIn(subject, spendSteps);
}

/** The problem and its place, for the author of the rule. */
function describe(thrown: unknown): { problem: string; offset: number } {
  const { summary, range } = factsOf(thrown);
  return { problem: lowerFirst(summary), offset: range?.start ?? 0 };
}

/** "`event.data.labels.foo`: no such key": what part of the expression failed on this event, and why. */
function explain(thrown: unknown, text: string): string {
  const { summary, node } = factsOf(thrown);
  const part = node === undefined ? text : text.slice(node.start, node.end);
  const missing = /^No such key: (index out of bounds, )?/.exec(summary);
  const because =
    missing === null
      ? lowerFirst(summary)
      : missing[1]
        ? summary.slice('No such key: '.length)
        : 'no such key';
  return shorten(`\`${part}\`: ${because}`);
}

interface CelFacts {
  summary: string;
  range?: { start: number; end: number } | undefined;
  node?: { start: number; end: number } | undefined;
}

function factsOf(thrown: unknown): CelFacts {
  if (!(thrown instanceof Error) || !('summary' in thrown)) return { summary: messageOf(thrown) };
  const summary = String(thrown.summary)
    .replaceAll('matchesLinear', 'matches')
    // The one message of the library that repeats what the event holds.
    .replace(/: invalid string value ".*"$/s, '');
  return {
    summary,
    range: rangeOf('range' in thrown && thrown.range),
    node: rangeOf('node' in thrown && thrown.node),
  };
}

function rangeOf(value: unknown): { start: number; end: number } | undefined {
  if (typeof value !== 'object' || value === null || !('start' in value) || !('end' in value))
    return undefined;
  const { start, end } = value;
  return typeof start === 'number' && typeof end === 'number' ? { start, end } : undefined;
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}

const MAX_REASON = 300;

/** A reason may quote the event; it is shown in chats and kept with the record, so it stays short. */
function shorten(text: string): string {
  return text.length > MAX_REASON ? `${text.slice(0, MAX_REASON)}…` : text;
}
