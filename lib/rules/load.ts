/**
 * Reads a rules file whole: everything that can be wrong is looked for at once, and each problem says where it is,
 * what was expected, what came and what to write instead. A file with a problem is refused; no rule of it runs.
 */
import type * as z from 'zod';
import { FleetReflexError } from '../errors.ts';
import type { DestinationRef } from '../model/destination-ref.ts';
import { present } from '../present.ts';
import { type SourceSettings, tenantsOf } from '../sources/settings.ts';
import { followUpsIn, kindsOfFollowers } from './compile-follow-ups.ts';
import { compileRule, type LoadContext, type RuleParts } from './compile-rule.ts';
import { compileStandingSchedule } from './compile-schedule.ts';
import { compileFileWindows } from './compile-windows.ts';
import { unknownName } from './did-you-mean.ts';
import { findFeedback } from './feedback.ts';
import { compileFleets } from './fleet.ts';
import { withFollowUps } from './follow-ups-of-schedule.ts';
import { readYaml } from './positions.ts';
import { collectProblems, type Problem, type Problems } from './problems.ts';
import type { Rule, RuleSet, RuleSource, StandingSchedule } from './rule.ts';
import { StandingScheduleSpec } from './schema/actions.ts';
import { DestinationSpec } from './schema/notify.ts';
import { LimitsSpec, ProvidersSpec, RuleSpec, RulesFile } from './schema/rules-file.ts';
import { mayWaitForParent } from './waits-for-parent.ts';

/** The destination that is there without being defined. */
const COMPLETIONS: DestinationRef = { name: 'completions', sqs: 'completions' };

/**
 * @param text YAML
 * @param fileName for messages
 * @param sources the sources that rules may be on
 * @param options `looksForFeedback`: also warn the author about rules that can see their own events, and about rules for
 * everybody in every tenant. The functions skip these checks when they start
 * @throws FleetReflexError `rules.invalid`: a line `file:line:column: problem` for every problem; `details.problems`
 */
export function loadRules(
  text: string,
  fileName: string,
  sources: Iterable<RuleSource>,
  { looksForFeedback = false } = {},
): RuleSet {
  const file = readYaml(text);
  // It may be an iterator, which is read once.
  const known = [...sources];
  const problems = collectProblems(file);
  const warnings = collectProblems(file);
  const ruleSet = file.problems.length > 0 ? undefined : compile();
  if (ruleSet === undefined || problems.found.length > 0) throw invalid(fileName, problems.found);
  if (looksForFeedback) {
    warnOfFeedback(ruleSet.rules, warnings);
    warnOfEverybody(ruleSet.rules, known, warnings);
    warnOfParents(ruleSet.rules, warnings);
  }
  return { ...ruleSet, warnings: linesOf(fileName, warnings.found) };

  function compile(): Omit<RuleSet, 'warnings'> {
    const whole = RulesFile.safeParse(file.value);
    if (!whole.success) problems.addIssues([], whole.error, RulesFile, file.value);
    // What is well formed is checked further even when something else is not, so that one reading names it all.
    const given = toRecord(file.value);
    const sourcesByName = new Map(known.map((source) => [source.name, source]));
    const providers = ProvidersSpec.safeParse(given['providers'] ?? {});
    const destinations = readDestinations(given['destinations']);
    const defaults = { providers: providers.data ?? {}, problems };
    const fleets = compileFleets(toRecord(given['fleets']), defaults);
    const settings = readSettings(toRecord(given['sources']), sourcesByName, problems);
    const rules = toList(given['rules']).map((rule, index) =>
      readParts(toRecord(rule), whole.data?.rules[index]),
    );
    const named = [...toList(given['rules']), ...toList(given['schedules'])].flatMap((item) => {
      const { name } = toRecord(item);
      return typeof name === 'string' ? [name] : [];
    });
    const windows = {
      freezes: compileFileWindows('freezes', toList(given['freezes']), named, problems),
      only: compileFileWindows('only', toList(given['only']), named, problems),
    };
    const standing = toList(given['schedules']).map((value) => StandingScheduleSpec.safeParse(value).data);
    const wellFormed = standing.filter((spec) => spec !== undefined);
    const context: LoadContext = {
      file,
      ...defaults,
      warnings,
      fleets,
      sources: sourcesByName,
      destinations,
      tenants: readTenants(settings),
      windows,
      rules,
      schedules: wellFormed,
      followers: kindsOfFollowers({ rules, sources: sourcesByName, schedules: wellFormed }),
      named,
    };
    checkNames(given['rules'], 'rules', problems);
    checkNames(given['schedules'], 'schedules', problems);
    checkNames(given['freezes'], 'freezes', problems);
    checkNames(given['only'], 'only', problems);
    checkShared(given['schedules'], given['rules'], problems);
    const limits = LimitsSpec.safeParse(given['limits'] ?? {}).data ?? LimitsSpec.parse({});
    const compiled = rules.map((rule, index) => compileRule(rule, ['rules', index], context));
    const followUps = followUpsIn(compiled, limits.chainDepth, context);
    const schedules = standing.map((spec, index): StandingSchedule | undefined => {
      if (spec === undefined) return undefined;
      const path = ['schedules', index];
      const schedule = compileStandingSchedule(spec, path, context);
      return schedule && withFollowUps(schedule, followUps.ofSchedule(spec, path), path, problems);
    });
    return {
      fileName,
      rules: followUps.rules,
      schedules: schedules.filter((schedule) => schedule !== undefined),
      sources: settings,
      destinations: [...destinations.values()],
      limits,
      windows,
    };
  }
}

function warnOfFeedback(rules: readonly Rule[], warnings: Problems): void {
  for (const { index, names } of findFeedback(rules)) {
    warnings.add(
      ['rules', index, 'notify'],
      `\`${names[0]}\` can see its own events by the queue \`events\` (${names.join(' → ')}): the second round is stopped as guard.loop. Let \`when\` say whose completions it is for, like event.data.rule == '…', or leave that destination out`,
    );
  }
}

function warnOfParents(rules: readonly Rule[], warnings: Problems): void {
  for (const [index, rule] of rules.entries()) {
    if (!mayWaitForParent(rule)) continue;
    warnings.add(
      ['rules', index, 'on'],
      `\`${rule.name}\` fires when a run starts (completion.run.started), and an instance has one run at a time: on an instance of that run it waits for its task to end. Write \`guards: { lock: false }\` if it may run beside it, or let \`when\` ask for event.type == 'completion.run.completed'`,
    );
  }
}

/** Only of sources that more tenants than one can reach with the same secret. */
function warnOfEverybody(rules: readonly Rule[], sources: readonly RuleSource[], warnings: Problems): void {
  const open = sources.flatMap(({ name, facts }) => (facts?.people?.isReachedByOthers ? [name] : []));
  for (const [index, { name, on, allow, tenants }] of rules.entries()) {
    const without = open.filter((source) => on.includes(source) && !tenants.has(source));
    if (allow?.users.includes('*') !== true || without.length === 0) continue;
    warnings.add(
      ['rules', index, 'allow'],
      `\`${name}\` is for everybody in every tenant that reaches the app (${without.join(', ')}). Name yours: \`sources: { ${without[0]}: { tenants: [<id>] } }\`; docs/sources.md has what the ids are`,
    );
  }
}

function readTenants(sources: Readonly<Record<string, SourceSettings>>): Map<string, readonly string[]> {
  return new Map(
    Object.entries(sources).flatMap(([name, settings]) => {
      const tenants = tenantsOf(settings);
      return tenants === undefined ? [] : [[name, tenants] as const];
    }),
  );
}

/** The fields of a rule that are well formed: all of them, where the whole file is. */
function readParts(rule: Readonly<Record<string, unknown>>, whole: RuleSpec | undefined): RuleParts {
  const given = new Set(Object.keys(rule));
  if (whole !== undefined) return { spec: whole, given };
  const { shape } = RuleSpec;
  const part = <T>(schema: z.ZodType<T>, name: string): T | undefined => schema.safeParse(rule[name]).data;
  const spec = present({
    name: part(shape.name, 'name'),
    on: part(shape.on, 'on'),
    when: part(shape.when, 'when'),
    allow: part(shape.allow, 'allow'),
    byName: part(shape.byName, 'byName'),
    run: part(shape.run, 'run'),
    cancel: part(shape.cancel, 'cancel'),
    schedule: part(shape.schedule, 'schedule'),
    approval: part(shape.approval, 'approval'),
    guards: part(shape.guards, 'guards'),
    freezes: part(shape.freezes, 'freezes'),
    only: part(shape.only, 'only'),
    notify: part(shape.notify, 'notify'),
    onFailure: part(shape.onFailure, 'onFailure'),
    onSuccess: part(shape.onSuccess, 'onSuccess'),
  });
  return { spec, given };
}

function readDestinations(given: unknown): Map<string, DestinationRef> {
  const destinations = new Map([[COMPLETIONS.name, COMPLETIONS]]);
  for (const [name, value] of Object.entries(toRecord(given))) {
    destinations.set(name, destinationOf(name, DestinationSpec.safeParse(value).data));
  }
  return destinations;
}

/** A broken one is among the problems already; that rules name it is not one more. */
function destinationOf(name: string, spec: DestinationSpec = {}): DestinationRef {
  const { sqs = '', sns, eventbridge, webhook, log } = spec;
  if (sns !== undefined) return { name, sns };
  if (eventbridge !== undefined) return { name, eventbridge };
  if (webhook !== undefined) return { name, webhook };
  if (log !== undefined) return { name, log };
  return { name, sqs };
}

/** Of every source, also where the file says nothing of it: then all its settings are the defaults. */
function readSettings(
  given: Readonly<Record<string, unknown>>,
  sources: ReadonlyMap<string, RuleSource>,
  problems: Problems,
): Record<string, SourceSettings> {
  for (const name of Object.keys(given)) {
    if (!sources.has(name))
      problems.addAtKey(['sources', name], unknownName('source', name, [...sources.keys()]));
  }
  return Object.fromEntries(
    [...sources.values()].flatMap(({ name, settings: schema }) => {
      const settings = schema.safeParse(given[name] ?? {});
      if (settings.success) return [[name, settings.data] as const];
      problems.addIssues(['sources', name], settings.error, schema, given[name]);
      return [];
    }),
  );
}

function checkNames(given: unknown, list: string, problems: Problems): void {
  const seen = new Map<unknown, number>();
  for (const [index, item] of toList(given).entries()) {
    const { name } = toRecord(item);
    const first = seen.get(name);
    if (name !== undefined && first !== undefined) {
      problems.add(
        [list, index, 'name'],
        `the name \`${String(name)}\` is taken by ${list}[${first}]; names are unique`,
      );
    } else seen.set(name, index);
  }
}

/** A run is listed under the name of its rule or schedule: one name must not mean both. */
function checkShared(schedules: unknown, rules: unknown, problems: Problems): void {
  const ofRules = toList(rules).map((rule) => toRecord(rule)['name']);
  for (const [index, schedule] of toList(schedules).entries()) {
    const { name } = toRecord(schedule);
    const taken = name === undefined ? -1 : ofRules.indexOf(name);
    if (taken < 0) continue;
    problems.add(
      ['schedules', index, 'name'],
      `the name \`${String(name)}\` is taken by rules[${taken}]; rules and schedules share their names`,
    );
  }
}

function toRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function toList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function invalid(fileName: string, found: readonly Problem[]): FleetReflexError {
  const lines = linesOf(fileName, found);
  return new FleetReflexError('rules.invalid', lines.join('\n'), {
    details: { file: fileName, problems: lines },
  });
}

function linesOf(fileName: string, found: readonly Problem[]): string[] {
  return found
    .toSorted((a, b) => a.line - b.line || a.column - b.column)
    .map(({ line, column, message }) => `${fileName}:${line}:${column}: ${message}`);
}
