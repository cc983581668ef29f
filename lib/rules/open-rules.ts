/** Reads rules that were packaged (lib/rules/pack-rules.ts): each when it is needed, and no more of it than is. */
import type { EventKind } from '../model/trigger-event.ts';
import { compilePattern, type LinearPattern } from '../regex/linear-match.ts';
import { openCondition } from './condition.ts';
import { knownExpression } from './expression.ts';
import type { Packed, PackedIndex, PackedRule } from './pack-rules.ts';
import { openHead } from './packed-head.ts';
import type { Rule, RuleSet } from './rule.ts';
import { openIndex } from './rule-index.ts';

/**
 * @param text what `packRules` made
 * @throws FleetReflexError `rules.unreadable`: it is not of this version
 */
export function openRules(text: string): RuleSet {
  const [first = '', second = '', ...lines] = text.split('\n');
  const { version, digest: _, kinds, tenants, fleets, ...head } = openHead(first);
  const indexData: PackedIndex = JSON.parse(second);
  const shared = {
    kinds: new Map(kinds),
    tenants: new Map(tenants),
    fleets: new Map(fleets.map((fleet) => [fleet.name, { ...fleet, instances: new Set(fleet.instances) }])),
  };
  const opened: Rule[] = [];
  const ruleAt = (place: number): Rule | undefined => {
    const line = lines[place];
    if (line === undefined) return undefined;
    const rule = opened[place] ?? openRule(line, shared);
    opened[place] = rule;
    return rule;
  };
  return {
    ...head,
    index: openIndex(indexData, ruleAt),
    get rules() {
      return lines.flatMap((_line, place) => ruleAt(place) ?? []);
    },
    warnings: [],
  };
}

interface Shared {
  kinds: ReadonlyMap<string, readonly EventKind[]>;
  tenants: Rule['tenants'];
  fleets: ReadonlyMap<string, unknown>;
}

function openRule(line: string, { kinds: ofSources, tenants, fleets }: Shared): Rule {
  let kinds: EventKind[] | undefined;
  const kindsOfRule = (): EventKind[] => {
    kinds ??= [...(rule.kinds ?? new Set(rule.on.flatMap((source) => ofSources.get(source) ?? [])))];
    return kinds;
  };
  const open = (value: unknown): unknown => {
    if (!isPacked(value)) return value;
    const [kind, packed] = value.$;
    switch (kind) {
      case 'expression':
        return knownExpression(packed, kindsOfRule);
      case 'condition':
        return openCondition(packed, kindsOfRule);
      case 'pattern':
        return patternOf(packed);
      case 'fleet':
        return fleets.get(packed);
    }
  };
  const rule: PackedRule = JSON.parse(line, (_, value: unknown) => open(value));
  return { ...rule, tenants };
}

function isPacked(value: unknown): value is Packed {
  return typeof value === 'object' && value !== null && '$' in value && Array.isArray(value.$);
}

function patternOf(source: string): LinearPattern {
  const compiled = compilePattern(source);
  if (!compiled.ok)
    throw new Error(`the pattern ${source} was packaged and does not compile: ${compiled.problem}`);
  return compiled.pattern;
}
