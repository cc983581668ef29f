/**
 * Rules as a function reads them: compiled and checked when they are packaged, one line of JSON each, so that a
 * function needs no YAML parser and reads only the rules that an event may fire. lib/rules/open-rules.ts reads them.
 */
import { createHash } from 'node:crypto';
import type { LinearPattern } from '../regex/linear-match.ts';
import { type Condition, type PackedCondition, packCondition } from './condition.ts';
import type { Expression } from './expression.ts';
import type { Fleet } from './fleet.ts';
import { PACKED_VERSION, type PackedHead } from './packed-head.ts';
import type { Rule, RuleSet, RuleSource, TargetTemplate } from './rule.ts';
import { type IndexData, indexRules } from './rule-index.ts';

/** The second line. */
export type PackedIndex = IndexData;

/** What stands in a rule for what JSON has no word for. No value of a rules file is an object with a list in it under `$`. */
export type Packed =
  | { $: ['expression', string] }
  | { $: ['condition', PackedCondition] }
  | { $: ['pattern', string] }
  | { $: ['fleet', string] };

/**
 * @param text the rules file as it was written
 * @param sources the sources that its rules may be on
 */
export function packRules(ruleSet: RuleSet, text: string, sources: Iterable<RuleSource>): string {
  const { fileName, limits, windows, destinations, schedules, sources: settings, rules } = ruleSet;
  const fleets = new Map(
    rules.flatMap(({ action }) =>
      action.kind === 'cancel' ? [] : fleetsOf(action.target).map((fleet) => [fleet.name, fleet] as const),
    ),
  );
  const used = new Set(rules.flatMap(({ on }) => on));
  const head: PackedHead = {
    version: PACKED_VERSION,
    digest: digestOf(text),
    fileName,
    limits,
    windows,
    destinations,
    schedules,
    sources: settings,
    tenants: [...(rules[0]?.tenants ?? [])],
    fleets: [...fleets.values()].map((fleet) => ({ ...fleet, instances: [...fleet.instances] })),
    kinds: [...sources].flatMap(({ name, kinds }) => (used.has(name) ? [[name, kinds]] : [])),
  };
  const lines = [head, indexRules(rules), ...rules.map(({ tenants: _, ...rule }) => rule)];
  return lines.map((line) => JSON.stringify(line, (_, value: unknown) => pack(value))).join('\n');
}

/** Of a rules file as it is written: whether the schedules in it may be others than those that were compared last. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function pack(value: unknown): unknown {
  if (isExpression(value)) return { $: ['expression', value.text] } satisfies Packed;
  if (isCondition(value)) return { $: ['condition', packCondition(value)] } satisfies Packed;
  if (isPattern(value)) return { $: ['pattern', value.source] } satisfies Packed;
  if (isFleet(value)) return { $: ['fleet', value.name] } satisfies Packed;
  return value;
}

function fleetsOf({ fleet, fleetChoice }: TargetTemplate): readonly Fleet[] {
  return fleet ? [fleet] : (fleetChoice?.of ?? []);
}

function isExpression(value: unknown): value is Expression {
  return typeof value === 'object' && value !== null && 'evaluate' in value;
}

function isCondition(value: unknown): value is Condition {
  return typeof value === 'object' && value !== null && 'whyNot' in value;
}

function isPattern(value: unknown): value is LinearPattern {
  return typeof value === 'object' && value !== null && 'matchWhole' in value;
}

function isFleet(value: unknown): value is Fleet {
  return (
    typeof value === 'object' && value !== null && 'instances' in value && value.instances instanceof Set
  );
}

/** A rule as it is packaged. */
export type PackedRule = Omit<Rule, 'tenants'>;
