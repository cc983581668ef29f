/** Reads a file of cases with its rules: everything that is wrong with it is named at once, with line and column. */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FleetReflexError } from '../../../../lib/errors.ts';
import { unknownName } from '../../../../lib/rules/did-you-mean.ts';
import { readYaml, type YamlFile } from '../../../../lib/rules/positions.ts';
import { collectProblems, type Problem, type Problems } from '../../../../lib/rules/problems.ts';
import type { RuleSet } from '../../../../lib/rules/rule.ts';
import { readRules } from '../read.ts';
import { CasesFile, type Expectation } from './schema.ts';

export interface Cases {
  fileName: string;
  file: YamlFile;
  given: CasesFile;
  ruleSet: RuleSet;
}

/** The file of cases that stands beside a rules file: `rules.test.yml` for `rules.yml`. */
export function casesBeside(rulesFile: string): string {
  return rulesFile.replace(/\.(ya?ml)$/, '.test.$1');
}

/** @throws FleetReflexError `cases.missing`, `cases.invalid`, and what `readRules` throws */
export async function readCases(fileName: string): Promise<Cases> {
  const text = await readFile(fileName, 'utf8').catch((cause: unknown) => {
    throw new FleetReflexError(
      'cases.missing',
      `There is no file of cases ${fileName} that can be read. docs/testing-rules.md says what stands in one.`,
      { cause },
    );
  });
  const file = readYaml(text);
  const problems = collectProblems(file);
  const value = withoutNothing(file.value);
  const given = CasesFile.safeParse(value);
  if (file.problems.length === 0 && !given.success) {
    problems.addIssues([], given.error, CasesFile, value);
  }
  if (given.data === undefined || problems.found.length > 0) throw invalid(fileName, problems.found);
  const rulesFile = given.data.rules ?? fileName.replace(/\.test(\.ya?ml)$/, '$1');
  if (given.data.rules === undefined && rulesFile === fileName) {
    throw new FleetReflexError(
      'cases.invalid',
      `${fileName}: it is not named after a rules file (rules.test.yml): say which with \`rules:\`.`,
    );
  }
  const ruleSet = await readRules(
    given.data.rules === undefined ? rulesFile : join(dirname(fileName), rulesFile),
  );
  checkCases(given.data, ruleSet, problems);
  if (problems.found.length > 0) throw invalid(fileName, problems.found);
  return { fileName, file, given: given.data, ruleSet };
}

/** `expect: nothing` is an expectation with nothing in it. */
function withoutNothing(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('cases' in value)) return value;
  const { cases } = value;
  if (!Array.isArray(cases)) return value;
  return { ...value, cases: cases.map((it: unknown) => (isNothing(it) ? { ...it, expect: {} } : it)) };
}

function isNothing(value: unknown): value is { expect: 'nothing' } {
  return typeof value === 'object' && value !== null && 'expect' in value && value.expect === 'nothing';
}

const LISTS = ['runs', 'schedules', 'cancels', 'stopped', 'unmatched'] as const;

function checkCases({ cases, fleets }: CasesFile, { rules, schedules }: RuleSet, problems: Problems): void {
  const tagged = taggedIn(rules);
  checkFleetNames(fleets, ['fleets'], tagged, problems);
  const names = [...rules, ...schedules].map(({ name }) => name);
  for (const [index, one] of cases.entries()) {
    const path = ['cases', index];
    if (one.at !== undefined && one.after !== undefined) {
      problems.add([...path, 'after'], 'expected one of at and after, came both');
    }
    if (one.event === undefined && one.source !== undefined) {
      problems.add([...path, 'source'], 'there is no event that it could have sent');
    }
    const isEmpty = one.event === undefined && one.fires === undefined;
    if (isEmpty && one.at === undefined && one.after === undefined) {
      problems.add(path, 'is missing: expected an event, or a time (at, after) until which nothing comes');
    }
    if (one.fires !== undefined && one.event !== undefined) {
      problems.add([...path, 'fires'], 'expected one of event and fires, came both');
    }
    const standing = schedules.map(({ name }) => name);
    if (one.fires !== undefined && !standing.includes(one.fires)) {
      problems.add([...path, 'fires'], unknownName('standing schedule', one.fires, standing));
    }
    checkFleetNames(one.fleets ?? {}, [...path, 'fleets'], tagged, problems);
    checkRuleNames(one.expect, [...path, 'expect'], names, problems);
  }
}

function taggedIn(rules: RuleSet['rules']): string[] {
  const fleets = rules.flatMap(({ action }) => {
    if (action.kind === 'cancel') return [];
    const { fleet, fleetChoice } = action.target;
    return fleet === undefined ? (fleetChoice?.of ?? []) : [fleet];
  });
  return [...new Set(fleets.flatMap(({ name, tags }) => (tags === undefined ? [] : [name])))];
}

function checkFleetNames(
  fleets: CasesFile['fleets'],
  path: readonly PropertyKey[],
  tagged: readonly string[],
  problems: Problems,
): void {
  for (const name of Object.keys(fleets)) {
    if (!tagged.includes(name)) problems.addAtKey([...path, name], unknownName('tagged fleet', name, tagged));
  }
}

function checkRuleNames(
  expect: Expectation,
  path: readonly PropertyKey[],
  names: readonly string[],
  problems: Problems,
): void {
  for (const list of LISTS) {
    for (const [index, { rule }] of expect[list].entries()) {
      if (names.includes(rule)) continue;
      problems.add([...path, list, index, 'rule'], unknownName('rule', rule, names));
    }
  }
}

function invalid(fileName: string, found: readonly Problem[]): FleetReflexError {
  const lines = found
    .toSorted((a, b) => a.line - b.line || a.column - b.column)
    .map(({ line, column, message }) => `${fileName}:${line}:${column}: ${message}`);
  return new FleetReflexError('cases.invalid', lines.join('\n'), { details: { problems: lines } });
}
