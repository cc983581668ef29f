/**
 * The `key=value` options that a rule reads, so that a mistyped one can be refused in place of being ignored: a
 * command must do what was typed, or nothing.
 */
import type { ASTNode } from '@marcbachmann/cel-js';
import { childrenOf } from './expression-limits.ts';
import { pathOf } from './field-check.ts';
import type { Execution, Rule, TargetTemplate } from './rule.ts';
import type { Template } from './template.ts';

const OPTIONS = 'event.data.options';
/** Who reads one of these reads every option with it. */
const WHOLE: ReadonlySet<string> = new Set(['event', 'event.data', OPTIONS, 'event.data.text']);

/** @returns the names, in the order of the file; `any` where the rule may read all that there are */
export function optionsOf(rule: Rule): readonly string[] | 'any' {
  const names = new Set<string>();
  const isOpen = expressionsOf(rule).some((ast) => collect(ast, names));
  return isOpen ? 'any' : [...names];
}

/** @returns whether something reads them all */
function collect(node: ASTNode, names: Set<string>): boolean {
  const path = pathOf(node);
  if (path === undefined)
    return childrenOf(node)
      .map((child) => collect(child, names))
      .includes(true);
  const owner = path.slice(0, 3).join('.');
  const name = path[3];
  if (owner === OPTIONS && name !== undefined) names.add(name);
  return WHOLE.has(path.join('.'));
}

function expressionsOf({ when, action }: Rule): ASTNode[] {
  const conditions = when?.clauses.map(({ expression }) => expression.ast) ?? [];
  switch (action.kind) {
    case 'run':
      return [...conditions, ...executionOf(action)];
    case 'schedule': {
      const timing = 'at' in action.timing ? action.timing.at : action.timing.recurrence;
      return [...conditions, ...executionOf(action), ...astsOf(timing)];
    }
    case 'cancel':
      return [...conditions, ...(action.key ? [action.key.ast] : [])];
  }
}

function executionOf({ target, guards }: Execution): ASTNode[] {
  const keys = [guards.dedupe, guards.times].flatMap((guard) => guard?.key.ast ?? []);
  return [...templatesOf(target).flatMap(astsOf), ...keys];
}

function templatesOf({ command, instances, parameters, ...rest }: TargetTemplate): Template[] {
  const values = parameters.map(({ template }) => template);
  const { region, fleetChoice, username, workingDirectory } = rest;
  const optional = [region, fleetChoice?.from, username, workingDirectory].filter(
    (template) => template !== undefined,
  );
  return [command, ...instances, ...values, ...optional];
}

function astsOf({ parts }: Template): ASTNode[] {
  return parts.flatMap((part) => (typeof part === 'string' ? [] : [part.ast]));
}
