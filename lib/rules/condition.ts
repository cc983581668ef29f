/** The `when` of a rule: a CEL expression that is true or false, with the parts that can say why it was not true. */
import type { ASTNode } from '@marcbachmann/cel-js';
import type { EventKind, TriggerEvent } from '../model/trigger-event.ts';
import { compileExpression, type Expression } from './expression.ts';
import { childrenOf } from './expression-limits.ts';
import { pathOf } from './field-check.ts';
import type { Steps } from './steps.ts';

export interface Condition {
  readonly text: string;
  /** The parts of `a && b && c`, in order. */
  readonly clauses: readonly Expression[];
  /** Whether it looks at the alert's status or the event's type, so that it knows of resolved alerts. */
  readonly asksForStatus: boolean;
  /** Does not hold when there are no steps left. */
  check(event: TriggerEvent, steps: Steps): ConditionOutcome;
}

export type ConditionOutcome = { holds: true } | { holds: false; because: string; clause: string };

export type CompiledCondition =
  | { ok: true; condition: Condition }
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
  const clauses = clausesOf(expression.ast).flatMap((clause) => compileClause(text, clause, kinds) ?? []);
  return {
    ok: true,
    condition: {
      text,
      clauses,
      asksForStatus: asksForStatus(expression.ast),
      check: (event, steps) => check(expression, clauses, event, steps),
    },
  };
}

function check(
  whole: Expression,
  clauses: readonly Expression[],
  event: TriggerEvent,
  steps: Steps,
): ConditionOutcome {
  const evaluation = whole.evaluate(event, steps);
  if (evaluation.ok && evaluation.value === true) return { holds: true };
  const whySpent = steps.whySpent();
  if (whySpent !== undefined) {
    return { holds: false, because: whySpent, clause: clauses[0]?.text ?? whole.text };
  }
  // As CEL has it, a clause that is false decides, also where another one fails.
  const outcomes = clauses.map((clause) => ({ clause: clause.text, outcome: clause.evaluate(event, steps) }));
  const isFalse = outcomes.find(({ outcome }) => outcome.ok && outcome.value === false);
  if (isFalse !== undefined) {
    return { holds: false, because: `\`${isFalse.clause}\` is false`, clause: isFalse.clause };
  }
  for (const { clause, outcome } of outcomes) {
    if (!outcome.ok) return { holds: false, because: outcome.because, clause };
  }
  const odd = outcomes.find(({ outcome }) => outcome.ok && outcome.value !== true)?.clause ?? whole.text;
  const because = evaluation.ok ? `\`${odd}\` is neither true nor false` : evaluation.because;
  return { holds: false, because, clause: odd };
}

/** The range of `!(a)` ends before its last parenthesis, so the text is followed to where it can be read. */
function compileClause(
  text: string,
  { start, end }: ASTNode,
  kinds: readonly EventKind[],
): Expression | undefined {
  for (let last = end; last <= text.length; last++) {
    if (last > end && !/[\s)]/.test(text.charAt(last - 1))) return undefined;
    const compiled = compileExpression(text.slice(start, last), kinds);
    if (compiled.ok) return compiled.expression;
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
