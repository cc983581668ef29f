/**
 * Finds the rules that can fire on an event without asking each of them. A rule whose `when` compares a field with
 * constants is kept by these; one that compares several by the field that tells it best from the others. The index is
 * plain data, so that it is packaged with the rules and no rule has to be read for it.
 */
import type { TriggerEvent } from '../model/trigger-event.ts';
import { type FieldTest, fieldOf } from './field-test.ts';
import type { Rule, RuleIndex } from './rule.ts';

/** By source. */
export type IndexData = readonly (readonly [string, SourceIndex])[];

interface SourceIndex {
  /** Places in the file; what follows are places in this list. */
  rules: number[];
  /** Those that no field keeps. */
  always: number[];
  fields: { path: FieldTest['path']; texts: [string, number[]][] }[];
}

const indexes = new WeakMap<readonly Rule[], RuleIndex>();

/** Made once for a list of rules. */
export function indexOf(rules: readonly Rule[]): RuleIndex {
  const known = indexes.get(rules);
  if (known !== undefined) return known;
  const index = openIndex(indexRules(rules), (place) => rules[place]);
  indexes.set(rules, index);
  return index;
}

export function indexRules(rules: readonly Rule[]): IndexData {
  const bySource = new Map<string, number[]>();
  for (const [place, { on }] of rules.entries()) {
    for (const source of new Set(on)) push(bySource, source, place);
  }
  return [...bySource].map(([source, places]) => [source, indexSource(places, rules)]);
}

/** @param ruleAt the rule at a place of the file */
export function openIndex(data: IndexData, ruleAt: (place: number) => Rule | undefined): RuleIndex {
  const given = new Map(data);
  const opened = new Map<string, OpenIndex>();
  const open = (source: string): OpenIndex | undefined => {
    const index = given.get(source);
    const known = opened.get(source) ?? (index && openSource(index));
    if (known !== undefined) opened.set(source, known);
    return known;
  };
  function* read(places: Iterable<number>): Generator<Rule> {
    for (const place of places) {
      const rule = ruleAt(place);
      if (rule !== undefined) yield rule;
    }
  }
  return {
    on(source) {
      const places = given.get(source)?.rules ?? [];
      return { count: places.length, [Symbol.iterator]: () => read(places) };
    },
    candidates(event) {
      const source = open(event.source);
      if (source === undefined) return [];
      const places = candidatesIn(source, event).map((position) => source.rules[position] ?? -1);
      return [...read(places)].filter((rule) => testsOf(rule).every((test) => mayHold(test, event)));
    },
  };
}

interface OpenIndex extends Omit<SourceIndex, 'fields'> {
  fields: { path: FieldTest['path']; texts: Map<string, number[]> }[];
}

function openSource({ fields, ...index }: SourceIndex): OpenIndex {
  return { ...index, fields: fields.map(({ path, texts }) => ({ path, texts: new Map(texts) })) };
}

function indexSource(places: number[], rules: readonly Rule[]): SourceIndex {
  const tests = places.map((place) => {
    const rule = rules[place];
    return rule === undefined ? [] : testsOf(rule).map((test) => ({ test, name: JSON.stringify(test.path) }));
  });
  const sharedBy = new Map<string, number>();
  const keyOf = (name: string, text: string) => `${name} ${text}`;
  for (const { test, name } of tests.flat()) {
    for (const text of test.values) {
      const key = keyOf(name, text);
      sharedBy.set(key, (sharedBy.get(key) ?? 0) + 1);
    }
  }
  const always: number[] = [];
  const fields = new Map<string, { path: FieldTest['path']; texts: Map<string, number[]> }>();
  for (const [position, ofRule] of tests.entries()) {
    const costs = ofRule.map(({ test, name }) =>
      test.values.reduce((sum, text) => sum + (sharedBy.get(keyOf(name, text)) ?? 0), 0),
    );
    const best = ofRule[costs.indexOf(Math.min(...costs))];
    if (best === undefined) {
      always.push(position);
      continue;
    }
    const { test, name } = best;
    const field = fields.get(name) ?? { path: test.path, texts: new Map<string, number[]>() };
    fields.set(name, field);
    for (const text of new Set(test.values)) push(field.texts, text, position);
  }
  return {
    rules: places,
    always,
    fields: [...fields.values()].map(({ path, texts }) => ({ path, texts: [...texts] })),
  };
}

/** @returns positions, in the order of the file */
function candidatesIn({ always, fields }: OpenIndex, event: TriggerEvent): number[] {
  const positions = [...always];
  for (const { path, texts } of fields) {
    const value = fieldOf(event, path);
    if (value.kind === 'odd') positions.push(...new Set([...texts.values()].flat()));
    if (value.kind === 'text') positions.push(...(texts.get(value.text) ?? []));
  }
  return positions.toSorted((a, b) => a - b);
}

function mayHold({ path, values }: FieldTest, event: TriggerEvent): boolean {
  const value = fieldOf(event, path);
  return value.kind === 'odd' || (value.kind === 'text' && values.includes(value.text));
}

function testsOf({ when }: Rule): FieldTest[] {
  return when?.clauses.flatMap(({ test }) => test ?? []) ?? [];
}

function push<Key>(lists: Map<Key, number[]>, key: Key, place: number): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [place]);
  else list.push(place);
}
