/**
 * Finds the rules that can fire on an event without asking each of them. A rule whose `when` compares a field with
 * constants is kept by these; one that compares several by the field that tells it best from the others.
 */
import type { TriggerEvent } from '../model/trigger-event.ts';
import { type FieldTest, fieldOf } from './field-test.ts';
import type { Rule } from './rule.ts';

export interface RuleIndex {
  /** Every rule on the source, in the order of the file. */
  on(source: string): readonly Rule[];
  /** Those of them that may fire, in the order of the file: no other does. */
  candidates(event: TriggerEvent): Rule[];
}

const indexes = new WeakMap<readonly Rule[], RuleIndex>();

/** Made once for a list of rules. */
export function indexOf(rules: readonly Rule[]): RuleIndex {
  const known = indexes.get(rules);
  if (known !== undefined) return known;
  const bySource = new Map<string, Rule[]>();
  for (const rule of rules) {
    for (const source of new Set(rule.on)) {
      const others = bySource.get(source);
      if (others === undefined) bySource.set(source, [rule]);
      else others.push(rule);
    }
  }
  const fields = new Map<string, OfSource>();
  const index: RuleIndex = {
    on: (source) => bySource.get(source) ?? [],
    candidates(event) {
      const on = bySource.get(event.source);
      if (on === undefined) return [];
      const ofSource = fields.get(event.source) ?? indexSource(on);
      fields.set(event.source, ofSource);
      return candidatesIn(ofSource, event);
    },
  };
  indexes.set(rules, index);
  return index;
}

interface OfSource {
  /** Positions of rules are their places in this list. */
  rules: readonly Rule[];
  /** Those that are kept by no field. */
  always: number[];
  fields: { path: FieldTest['path']; byText: Map<string, number[]> }[];
}

function indexSource(rules: readonly Rule[]): OfSource {
  const shared = new Map<string, number>();
  for (const rule of rules) {
    for (const test of testsOf(rule)) {
      for (const text of test.values) shared.set(keyOf(test, text), (shared.get(keyOf(test, text)) ?? 0) + 1);
    }
  }
  const always: number[] = [];
  const fields = new Map<string, OfSource['fields'][number]>();
  for (const [position, rule] of rules.entries()) {
    const costOf = (test: FieldTest): number =>
      test.values.reduce((sum, text) => sum + (shared.get(keyOf(test, text)) ?? 0), 0);
    const [best] = testsOf(rule)
      .map((test) => ({ test, cost: costOf(test) }))
      .toSorted((a, b) => a.cost - b.cost);
    if (best === undefined) {
      always.push(position);
      continue;
    }
    const { path, values } = best.test;
    const name = JSON.stringify(path);
    const field = fields.get(name) ?? { path, byText: new Map<string, number[]>() };
    fields.set(name, field);
    for (const text of new Set(values)) {
      const positions = field.byText.get(text);
      if (positions === undefined) field.byText.set(text, [position]);
      else positions.push(position);
    }
  }
  return { rules, always, fields: [...fields.values()] };
}

function candidatesIn({ rules, always, fields }: OfSource, event: TriggerEvent): Rule[] {
  const positions = [...always];
  for (const { path, byText } of fields) {
    const value = fieldOf(event, path);
    if (value.kind === 'odd') positions.push(...new Set([...byText.values()].flat()));
    if (value.kind === 'text') positions.push(...(byText.get(value.text) ?? []));
  }
  return positions
    .toSorted((a, b) => a - b)
    .flatMap((position) => rules[position] ?? [])
    .filter((rule) => testsOf(rule).every((test) => mayHold(test, event)));
}

function mayHold({ path, values }: FieldTest, event: TriggerEvent): boolean {
  const value = fieldOf(event, path);
  return value.kind === 'odd' || (value.kind === 'text' && values.includes(value.text));
}

function testsOf({ when }: Rule): FieldTest[] {
  return when?.clauses.flatMap(({ test }) => test ?? []) ?? [];
}

function keyOf({ path }: FieldTest, text: string): string {
  return JSON.stringify([path, text]);
}
