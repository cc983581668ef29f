/** The `when` of a rule: a CEL expression that is true or false, with the parts that can say why it was not true. */
import type { ASTNode } from '@marcbachmann/cel-js';
import type { EventKind, TriggerEvent } from '../model/trigger-event.ts';
import { compileExpression, type Evaluation, type Expression, knownExpression } from './expression.ts';
import { childrenOf } from './expression-limits.ts';
import { pathOf } from './field-check.ts';
import { type FieldTest, fieldOf, fieldTestOf } from './field-test.ts';
import type { Steps } from './steps.ts';

export interface Condition {
  readonly text: string;
  /** The parts of `a && b && c`, in order. */
  readonly clauses: readonly Clause[];
  /** Whether it looks at the alert's status or the event's type, so that it knows of resolved alerts. */
  readonly asksForStatus: boolean;
  /** False when there are no steps left. */
  holds(event: TriggerEvent, steps: Steps): boolean;
  /**
   * Why it does not hold: the first clause that is false, or else the first that fails.
   * @param absent by field: what was already said of fields that this event lacks. One map for all rules of an event
   */
  whyNot(event: TriggerEvent, steps: Steps, absent?: Map<string, string>): WhyNot;
}

export interface Clause {
  readonly text: string;
  /** Where it compares a field with constants. */
  readonly test?: FieldTest;
  readonly expression: Expression;
}

export interface WhyNot {
  because: string;
  clause: string;
}

export type CompiledCondition =
  | { ok: true; condition: Condition; ast: ASTNode }
  | { ok: false; problem: string; offset: number };

export function compileCondition(text: string, kinds: readonly EventKind[]): CompiledCondition {
  const compiled = compileExpression(text, kinds);
  if (!compiled.ok) return compiled;
  const { expression } = compiled;
  if (expression.type !== 'bool' && expression.type !== 'dyn') {
    return {
      ok: false,
      problem: `expected true or false, \`${text.trim()}\` is ${expression.type}`,
      offset: 0,
    };
  }
  const clauses = clausesOf(expression.ast).flatMap((node) => compileClause(text, node, kinds) ?? []);
  const { ast } = expression;
  return { ok: true, condition: conditionOf(expression, clauses, asksForStatus(ast)), ast };
}

/** A packaged condition: the index data that decides whether it can be true, and the expressions to evaluate then. */
export interface PackedCondition {
  text: string;
  clauses: readonly Pick<Clause, 'text' | 'test'>[];
  asksForStatus: boolean;
}

export function packCondition({ text, clauses, asksForStatus }: Condition): PackedCondition {
  return {
    text,
    asksForStatus,
    clauses: clauses.map(({ text: of, test }) => ({ text: of, ...(test && { test }) })),
  };
}

/** @param kinds the kinds of event of its rule; asked for when something is evaluated */
export function openCondition(packed: PackedCondition, kinds: () => readonly EventKind[]): Condition {
  const clauses = packed.clauses.map((clause) => ({
    ...clause,
    expression: knownExpression(clause.text, kinds),
  }));
  return conditionOf(knownExpression(packed.text, kinds), clauses, packed.asksForStatus);
}

function conditionOf(whole: Expression, clauses: readonly Clause[], looksAtStatus: boolean): Condition {
  return {
    text: whole.text,
    clauses,
    asksForStatus: looksAtStatus,
    holds: (event, steps) => isTrue(whole.evaluate(event, steps)),
    whyNot: (event, steps, absent = new Map()) => whyNot(whole, clauses, event, steps, absent),
  };
}

function isTrue(evaluation: Evaluation): boolean {
  return evaluation.ok && evaluation.value === true;
}

function whyNot(
  whole: Expression,
  clauses: readonly Clause[],
  event: TriggerEvent,
  steps: Steps,
  absent: Map<string, string>,
): WhyNot {
  let failed: WhyNot | undefined;
  let odd: string | undefined;
  // As CEL has it, a clause that is false decides, also where another one fails.
  for (const clause of clauses) {
    const outcome = outcomeOf(clause, event, steps, absent);
    if (!outcome.ok) failed ??= { because: outcome.because, clause: clause.text };
    else if (outcome.value === false) return { because: `\`${clause.text}\` is false`, clause: clause.text };
    else if (outcome.value !== true) odd ??= clause.text;
  }
  if (failed !== undefined && steps.whySpent() === undefined) return failed;
  const evaluation = whole.evaluate(event, steps);
  const whySpent = steps.whySpent();
  if (whySpent !== undefined) {
    const because = `it does not hold, and which part of it says no was not looked at: ${whySpent}`;
    return { because, clause: clauses[0]?.text ?? whole.text };
  }
  const clause = odd ?? whole.text;
  return { because: evaluation.ok ? `\`${clause}\` is neither true nor false` : evaluation.because, clause };
}

/** What the clause is for this event; evaluated only where its field alone does not tell. */
function outcomeOf(
  { test, expression }: Clause,
  event: TriggerEvent,
  steps: Steps,
  absent: Map<string, string>,
): Evaluation {
  if (test === undefined) return expression.evaluate(event, steps);
  const field = fieldOf(event, test.path);
  if (field.kind === 'text') return { ok: true, value: test.values.includes(field.text) };
  if (field.kind !== 'absent') return expression.evaluate(event, steps);
  const key = JSON.stringify([test.path, test.of]);
  const known = absent.get(key);
  if (known !== undefined) return { ok: false, because: known };
  const outcome = expression.evaluate(event, steps);
  if (!outcome.ok && steps.whySpent() === undefined) absent.set(key, outcome.because);
  return outcome;
}

/** The range of a part leaves out parentheses at its ends, `!(a)`, `(a) || b`: it is widened to where it can be read. */
function compileClause(text: string, node: ASTNode, kinds: readonly EventKind[]): Clause | undefined {
  for (let first = node.start; first >= 0; first--) {
    if (first < node.start && !/[\s(]/.test(text.charAt(first))) return undefined;
    for (let last = node.end; last <= text.length; last++) {
      if (last > node.end && !/[\s)]/.test(text.charAt(last - 1))) break;
      const compiled = compileExpression(text.slice(first, last), kinds);
      if (!compiled.ok) continue;
      const { expression } = compiled;
      const test = fieldTestOf(node, text);
      return { text: expression.text, expression, ...(test && { test }) };
    }
  }
  return undefined;
}

function clausesOf(node: ASTNode): ASTNode[] {
  return node.op === '&&' ? node.args.flatMap(clausesOf) : [node];
}

const STATUS_FIELDS: ReadonlySet<string> = new Set(['event.data.status', 'event.type']);

function asksForStatus(node: ASTNode): boolean {
  return STATUS_FIELDS.has(pathOf(node)?.join('.') ?? '') || childrenOf(node).some(asksForStatus);
}
