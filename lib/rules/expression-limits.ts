/**
 * What is asked of an expression beyond CEL's own types, so that its work grows with the event and not faster; and
 * the walk over its syntax tree that this and lib/rules/condition.ts need.
 */
import type { ASTNode } from '@marcbachmann/cel-js';
import { compilePattern } from '../regex/linear-match.ts';

/** The functions that evaluate their argument for each element. */
export const LOOPS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'map', 'filter']);
const MAX_LOOPS = 3;
/** The control characters of CEL's `\a \b \f \v` in a text that is not raw; they are always a mistake. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are looked for
const CONTROL_ESCAPES = /[\x07\x08\x0b\x0c]/;

/** A loop in a loop is fine over what the outer one's variable holds; over the event again its work is squared. */
export function findLimitProblem(ast: ASTNode): { problem: string; offset: number } | undefined {
  return findIn(ast, []);
}

function findIn(
  node: ASTNode,
  variables: readonly string[],
): { problem: string; offset: number } | undefined {
  if (node.op !== 'rcall') return first(childrenOf(node), variables);
  const [name, receiver, args] = node.args;
  if (name === 'matches' || name === 'matchesLinear') {
    const [pattern] = args;
    if (pattern?.op !== 'value' || typeof pattern.args !== 'string') {
      return { problem: 'matches() takes its pattern as a literal text', offset: node.start };
    }
    if (CONTROL_ESCAPES.test(pattern.args)) {
      return {
        problem: "the pattern of matches() has a control character: write r'…', so that \\b stays \\b",
        offset: pattern.start,
      };
    }
    const compiled = compilePattern(pattern.args);
    if (!compiled.ok)
      return { problem: `the pattern of matches() ${compiled.problem}`, offset: pattern.start };
  }
  if (!LOOPS.has(name)) return first([receiver, ...args], variables);
  const over = rootOf(receiver);
  const isInner = variables.length > 0;
  if (isInner && (over === undefined || !variables.includes(over))) {
    return {
      problem: `${name}() inside another loop may only go over what the outer loop's variable \`${variables.at(-1)}\` holds`,
      offset: node.start,
    };
  }
  if (variables.length >= MAX_LOOPS) {
    return { problem: `has more than ${MAX_LOOPS} loops inside each other`, offset: node.start };
  }
  const [variable, ...body] = args;
  const inside = variable?.op === 'id' ? [...variables, variable.args] : variables;
  return first([receiver], variables) ?? first(body, inside);
}

function first(
  nodes: readonly ASTNode[],
  variables: readonly string[],
): { problem: string; offset: number } | undefined {
  for (const node of nodes) {
    const found = findIn(node, variables);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The variable that `a.b[0].c` begins with. */
function rootOf(node: ASTNode): string | undefined {
  if (node.op === 'id') return node.args;
  const isPart = node.op === '.' || node.op === '.?' || node.op === '[]' || node.op === '[?]';
  return isPart ? rootOf(node.args[0]) : undefined;
}

/** CEL's own `matches` uses JavaScript's regular expressions, which backtrack: ours takes its place in the tree. */
export function useLinearMatches(node: ASTNode): void {
  if (node.op === 'rcall' && node.args[0] === 'matches') node.args[0] = 'matchesLinear';
  for (const child of childrenOf(node)) useLinearMatches(child);
}

export function childrenOf(node: ASTNode): readonly ASTNode[] {
  switch (node.op) {
    case 'value':
    case 'id':
      return [];
    case '.':
    case '.?':
      return [node.args[0]];
    case 'call':
      return node.args[1];
    case 'rcall':
      return [node.args[1], ...node.args[2]];
    case 'list':
      return node.args;
    case 'map':
      return node.args.flat();
    case '!_':
    case '-_':
      return [node.args];
    case '?:':
    case '[]':
    case '[?]':
    case '||':
    case '&&':
    case '==':
    case '!=':
    case '<':
    case '<=':
    case '>':
    case '>=':
    case 'in':
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
      return node.args;
  }
}
