/** Compiles one rule of the file, and finds what its schema alone cannot: names that mean nothing, types, lacks. */

import type { ApprovalTerms } from '../model/approval.ts';
import type { DestinationRef } from '../model/destination-ref.ts';
import type { EventKind } from '../model/trigger-event.ts';
import type { FileWindows, Windows } from '../model/window.ts';
import { factsOf } from '../providers/registry.ts';
import { checkAllowEntries } from './allow.ts';
import { checkFollower } from './check-follower.ts';
import { compileApproval } from './compile-approval.ts';
import { compileGuards, compileKey } from './compile-guards.ts';
import { compileNotify } from './compile-notify.ts';
import { compileOptions, refuseLacks } from './compile-options.ts';
import { compileTiming } from './compile-schedule.ts';
import {
  type Compiling,
  compileTarget,
  compileText,
  providerOf,
  WORKING_DIRECTORY_CHECK,
} from './compile-target.ts';
import { compileTimeout } from './compile-timeout.ts';
import { compileWaves } from './compile-waves.ts';
import { windowsOf } from './compile-windows.ts';
import { compileCondition } from './condition.ts';
import { unknownName } from './did-you-mean.ts';
import { readUnsafe, type Unsafe } from './event-chosen.ts';
import { findUnknownValue } from './field-values.ts';
import type { Path } from './positions.ts';
import type {
  Action,
  CancelAction,
  Execution,
  Rule,
  RuleSource,
  RunAction,
  ScheduleAction,
  TargetTemplate,
} from './rule.ts';
import type { CancelSpec, RunSpec, ScheduleSpec, StandingScheduleSpec } from './schema/actions.ts';
import type { GuardsSpec } from './schema/guards.ts';
import type { RuleSpec } from './schema/rules-file.ts';

export interface LoadContext extends Omit<Compiling, 'kinds'> {
  readonly sources: ReadonlyMap<string, RuleSource>;
  readonly destinations: ReadonlyMap<string, DestinationRef>;
  /** `sources.<name>.tenants`, where it is set. */
  readonly tenants: ReadonlyMap<string, readonly string[]>;
  /** Of the whole file. */
  readonly windows: FileWindows;
  /** All of the file, for `cancel`. */
  readonly rules: readonly RuleParts[];
  /** Rules that may follow others, with the kinds of event that reach them (lib/rules/compile-follow-ups.ts). */
  readonly followers: ReadonlyMap<string, ReadonlySet<EventKind>>;
  /** The standing schedules that are well formed. */
  readonly schedules: readonly StandingScheduleSpec[];
  /** The names of all rules and standing schedules: what a completion event may be of. */
  readonly named: readonly string[];
}

/** The valid parts of a rule: the other parts of a refused file are still checked. */
export interface RuleParts {
  readonly spec: Partial<RuleSpec>;
  /** The fields that the file has, well formed or not. */
  readonly given: ReadonlySet<string>;
}

/** @returns undefined when something is wrong, which is among the problems then */
export function compileRule(parts: RuleParts, path: Path, context: LoadContext): Rule | undefined {
  const { spec, given } = parts;
  const on = typeof spec.on === 'string' ? [spec.on] : (spec.on ?? []);
  const followed = given.has('on') ? undefined : checkFollower(parts, path, context);
  const kinds = followed ?? kindsOf(on, typeof spec.on === 'string', path, context);
  const compiling: Compiling = { ...context, kinds };
  if (followed === undefined) checkAllow(given.has('allow'), on, path, context);
  if (spec.allow !== undefined) checkAllowEntries(spec.allow, [...path, 'allow'], context);
  if (followed === undefined) checkByName(spec, on, path, context);
  const when = spec.when === undefined ? undefined : compileWhen(spec.when, path, compiling, context.named);
  const windows = windowsOf(spec.name ?? '', spec, path, context);
  const approval = compileApproval(parts, on, path, context);
  const action = compileAction(parts, path, compiling, context.rules);
  const notify = compileNotify(spec.notify ?? [], path, context);
  if (spec.name === undefined || action === undefined || (spec.when !== undefined && when === undefined)) {
    return undefined;
  }
  return {
    name: spec.name,
    on,
    ...(when && { when }),
    ...(spec.allow && { allow: spec.allow }),
    tenants: context.tenants,
    isByName: spec.byName === true,
    action: withRuleWide(action, windows, approval),
    notify,
    outputs: spec.outputs ?? 'caller',
    ...(followed && { kinds: followed }),
  };
}

/** What stands beside the action and holds for what it sends. */
function withRuleWide(
  action: Action,
  windows: Windows | undefined,
  approval: ApprovalTerms | undefined,
): Action {
  if (action.kind === 'cancel') return action;
  return {
    ...action,
    ...(windows && { guards: { ...action.guards, windows } }),
    ...(approval && { approval }),
  };
}

/** The kinds of event that any of its sources makes; none where one is unknown, so that any field is thinkable. */
function kindsOf(
  on: readonly string[],
  isSingle: boolean,
  path: Path,
  { sources, problems }: LoadContext,
): EventKind[] {
  const kinds = new Set<EventKind>();
  for (const [index, name] of on.entries()) {
    const source = sources.get(name);
    for (const kind of source?.kinds ?? []) kinds.add(kind);
    if (source !== undefined) continue;
    problems.add(
      [...path, 'on', ...(isSingle ? [] : [index])],
      unknownName('source', name, [...sources.keys()]),
    );
  }
  return on.every((name) => sources.has(name)) ? [...kinds] : [];
}

function checkAllow(
  hasAllow: boolean,
  on: readonly string[],
  path: Path,
  { sources, problems }: LoadContext,
): void {
  const kinds = on.map((name) => sources.get(name)?.kinds ?? []);
  const isChatOnly = kinds.some((of) => of.length > 0 && of.every((kind) => kind === 'chat'));
  if (!hasAllow && isChatOnly) {
    problems.add(
      path,
      "is on a chat source and lacks `allow`: say who may, like `allow: { users: [U2CERLKJA], channels: [C1234567890] }`; users: ['*'] is everybody",
    );
  }
  const isKnown = kinds.every((of) => of.length > 0);
  if (hasAllow && isKnown && !kinds.flat().includes('chat')) {
    problems.add([...path, 'allow'], `is for chat sources; ${on.join(', ')} sends no commands of people`);
  }
}

function checkByName(
  { byName, allow }: Partial<RuleSpec>,
  on: readonly string[],
  path: Path,
  { sources, problems }: LoadContext,
): void {
  if (byName !== true) return;
  const kinds = on.map((name) => sources.get(name)?.kinds ?? []);
  const isKnown = kinds.every((of) => of.length > 0);
  if (isKnown && !kinds.flat().includes('chat')) {
    problems.add([...path, 'byName'], `is for chat sources; ${on.join(', ')} sends no commands of people`);
  } else if (allow === undefined) {
    problems.add([...path, 'byName'], 'needs `allow`: list who may run it');
  }
}

function compileWhen(text: string, path: Path, { kinds, problems }: Compiling, named: readonly string[]) {
  const compiled = compileCondition(text, kinds);
  const wrong = compiled.ok ? findUnknownValue(compiled.ast, { kinds, named }) : compiled;
  if (wrong === undefined) return compiled.ok ? compiled.condition : undefined;
  problems.add([...path, 'when'], wrong.problem, wrong.offset);
  return undefined;
}

function compileAction(
  { spec, given }: RuleParts,
  path: Path,
  compiling: Compiling,
  rules: readonly RuleParts[],
): Action | undefined {
  for (const name of ['guards', 'freezes', 'only']) {
    if (!given.has(name) || !given.has('cancel')) continue;
    compiling.problems.add(
      [...path, name],
      `${name} stand beside \`run\` and \`schedule\` only: cancelling starts nothing`,
    );
  }
  if (spec.run !== undefined) return compileRun(spec.run, spec.guards, path, compiling);
  if (spec.cancel !== undefined) return compileCancel(spec.cancel, path, compiling, rules);
  return spec.schedule === undefined
    ? undefined
    : compileScheduling(spec.schedule, spec.guards, path, compiling);
}

function compileRun(
  spec: RunSpec,
  guards: GuardsSpec | undefined,
  path: Path,
  compiling: Compiling,
): RunAction | undefined {
  const at = [...path, 'run'];
  const unsafe = readUnsafe(spec.unsafe, at, compiling);
  const execution = compileExecution(spec, guards, unsafe, at, compiling);
  unsafe.finish();
  return execution && { kind: 'run', ...execution };
}

/** @param at the path of the action; its guards stand beside it */
function compileExecution(
  spec: RunSpec & Pick<Partial<ScheduleSpec>, 'recurrence'>,
  guards: GuardsSpec | undefined,
  unsafe: Unsafe,
  at: Path,
  compiling: Compiling,
): Execution | undefined {
  const target = compileTarget(spec, at, compiling, unsafe);
  const settings = compileSettings(spec, unsafe, at, compiling);
  const compiledGuards = compileGuards(guards, target, [...at.slice(0, -1), 'guards'], compiling);
  if (target === undefined || compiledGuards === undefined) return undefined;
  return {
    target: { ...target, ...settings },
    onUnavailable: spec.onUnavailable,
    deadlineMs: spec.deadline,
    guards: compiledGuards,
    waves: spec.waves && compileWaves(spec.waves),
  };
}

/** What the rule says of how the command runs. */
function compileSettings(
  spec: RunSpec & Pick<Partial<ScheduleSpec>, 'recurrence'>,
  unsafe: Unsafe,
  at: Path,
  compiling: Compiling,
): Pick<TargetTemplate, 'timeoutSeconds' | 'workingDirectory' | 'options'> {
  const workingDirectory =
    spec.workingDirectory === undefined
      ? undefined
      : compileText(spec.workingDirectory, [...at, 'workingDirectory'], compiling, WORKING_DIRECTORY_CHECK);
  unsafe.refuse('workingDirectory', workingDirectory, 'write the directory');
  const provider = providerOf(spec, compiling);
  const { problems } = compiling;
  const timeoutSeconds = compileTimeout(spec.timeout, provider, at, problems);
  if (provider === undefined) return { timeoutSeconds, workingDirectory };
  const { timeout, username, recurrence } = spec;
  refuseLacks({ workingDirectory, timeout, username, recurrence }, factsOf(provider), 'us', at, problems);
  const options = compileOptions(spec, provider, 'us', at, problems);
  return { timeoutSeconds, workingDirectory, options };
}

function compileCancel(
  spec: CancelSpec,
  path: Path,
  compiling: Compiling,
  rules: readonly RuleParts[],
): CancelAction | undefined {
  const { problems } = compiling;
  const at = [...path, 'cancel'];
  const target = rules.find((rule) => rule.spec.name === spec.rule);
  if (target === undefined) {
    const known = rules.flatMap((rule) => rule.spec.name ?? []);
    problems.add([...at, 'rule'], unknownName('rule', spec.rule, known));
  } else if (!target.given.has('run') && !target.given.has('schedule')) {
    problems.add(
      [...at, 'rule'],
      `\`${spec.rule}\` runs nothing that could be cancelled; name a rule with \`run\` or \`schedule\``,
    );
  } else if (spec.key !== undefined && target.spec.guards?.dedupe === undefined) {
    problems.add(
      [...at, 'key'],
      `is compared with \`guards.dedupe.key\` of \`${spec.rule}\`, which has none: give it one, or leave \`key\` out to cancel all its runs`,
    );
  }
  const key = spec.key === undefined ? undefined : compileKey(spec.key, [...at, 'key'], compiling);
  if (spec.key !== undefined && key === undefined) return undefined;
  return { kind: 'cancel', targetRule: spec.rule, ...(key && { key }) };
}

function compileScheduling(
  spec: ScheduleSpec,
  guards: GuardsSpec | undefined,
  path: Path,
  compiling: Compiling,
): ScheduleAction | undefined {
  const at = [...path, 'schedule'];
  const unsafe = readUnsafe(spec.unsafe, at, compiling);
  const timing = compileTiming(spec, at, compiling);
  const execution = compileExecution(spec, guards, unsafe, at, compiling);
  unsafe.finish();
  if (timing === undefined || execution === undefined) return undefined;
  return { kind: 'schedule', ...execution, timing };
}
