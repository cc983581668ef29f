/** Compiles when a command runs later, and the standing schedules, in which everything is known beforehand. */

import { closedBy } from '../guards/windows.ts';
import type { DestinationRef } from '../model/destination-ref.ts';
import type { ProviderName } from '../model/provider-name.ts';
import { RunId } from '../model/run-request.ts';
import type { ScheduleSettings } from '../model/schedule-settings.ts';
import type { FileWindows } from '../model/window.ts';
import { factsOf } from '../providers/registry.ts';
import { compileNotify } from './compile-notify.ts';
import { compileOptions, refuseLacks } from './compile-options.ts';
import { type Compiling, compileTarget, compileText, WORKING_DIRECTORY_CHECK } from './compile-target.ts';
import { compileTimeout } from './compile-timeout.ts';
import { windowsOf } from './compile-windows.ts';
import { parseDuration } from './duration.ts';
import { taggedPart } from './fleet.ts';
import { AT_EXPECTED, toInstant } from './instant.ts';
import type { Path } from './positions.ts';
import type { ScheduleAction, StandingSchedule, TargetTemplate } from './rule.ts';
import type { ScheduleSpec, StandingScheduleSpec } from './schema/actions.ts';
import { WORKING_DIRECTORY } from './target-check.ts';
import type { Template } from './template.ts';

export function compileTiming(
  spec: Pick<ScheduleSpec, 'at' | 'recurrence'>,
  path: Path,
  compiling: Compiling,
): ScheduleAction['timing'] | undefined {
  if (spec.recurrence !== undefined) {
    const recurrence = compileText(spec.recurrence, [...path, 'recurrence'], compiling);
    return recurrence && { recurrence };
  }
  const at = compileText(spec.at ?? '', [...path, 'at'], compiling);
  if (at?.literal !== undefined && toInstant(at.literal, new Date(0)) === undefined) {
    compiling.problems.add([...path, 'at'], `expected ${AT_EXPECTED}, came ${JSON.stringify(at.literal)}`);
  }
  return at && { at };
}

/** @returns undefined when something is wrong, which is among the problems then */
export function compileStandingSchedule(
  spec: StandingScheduleSpec,
  path: Path,
  context: Omit<Compiling, 'kinds'> & {
    readonly destinations: ReadonlyMap<string, DestinationRef>;
    readonly windows: FileWindows;
  },
): StandingSchedule | undefined {
  const compiling: Compiling = { ...context, kinds: ['generic'] };
  const notify = compileNotify(spec.notify, path, context);
  if (RunId.safeParse(spec.name).success) {
    compiling.problems.add(
      [...path, 'name'],
      'names of the form of a run id are for the schedules that rules make; choose another',
    );
  }
  const target = compileTarget(spec, path, compiling);
  const timing = compileTiming(spec, path, compiling);
  if (target === undefined || timing === undefined) return undefined;
  const when = 'at' in timing ? literalOf(timing.at) : literalOf(timing.recurrence);
  const instances = instancesOf(target);
  const { schedules } = factsOf(target.provider);
  if (schedules === undefined) {
    compiling.problems.add(
      path,
      `${target.provider} starts no command by itself; write a rule with \`schedule\`, which fleet-reflex starts`,
    );
    return undefined;
  }
  if (instances.length > schedules.maxInstances) {
    compiling.problems.add(
      [...path, 'instances'],
      `a schedule takes at most ${schedules.maxInstances} instances, came ${instances.length}`,
    );
  }
  const kinds = new Set(instances.map((id) => id.slice(0, id.indexOf('-') + 1)));
  if (schedules.isOfOneKind && kinds.size > 1) {
    const came = [...kinds].map((kind) => `${kind}…`).join(' and ');
    compiling.problems.add([...path, 'instances'], `expected instances of one kind, came ${came}`);
  }
  if ('at' in timing && parseDuration(when ?? '') !== undefined) {
    compiling.problems.add(
      [...path, 'at'],
      'expected an instant: a standing schedule has no event that a duration could begin at',
    );
  }
  for (const { name, isSecret } of target.parameters) {
    if (!isSecret) continue;
    compiling.problems.add(
      [...path, 'parameters', name, 'secret'],
      'is for rules: the value of a standing schedule stands in this file and at the provider for good. Let the command fetch it itself; at Tencent, `{{tat-hidden:name}}` in the command hides it',
    );
  }
  const plain = literals(target);
  if (plain === undefined || when === undefined) {
    compiling.problems.add(
      path,
      'expected plain values here: a standing schedule has no event that a template could read',
    );
    return undefined;
  }
  const windows = windowsOf(spec.name, {}, path, context);
  const closed = windows && 'at' in timing ? closedBy(windows, new Date(when)) : undefined;
  if (closed !== undefined) {
    compiling.problems.add(
      [...path, 'at'],
      `it would not be run at that time: ${closed.reason.message} Choose another, or name it in \`except\` of the window`,
    );
  }
  return {
    name: spec.name,
    provider: target.provider,
    ...plain,
    ...(target.fleet?.tags && { taggedFleet: taggedPart(target.fleet) }),
    settings: compileSettings(spec, target.provider, path, compiling),
    timing: 'at' in timing ? { at: when } : { recurrence: when },
    isEnabled: spec.enabled,
    windows,
    notify,
  };
}

/** The execution options, all of them constants. */
function compileSettings(
  spec: StandingScheduleSpec,
  provider: ProviderName,
  path: Path,
  { problems }: Compiling,
): ScheduleSettings | undefined {
  const { workingDirectory, timeout, username, recurrence } = spec;
  const given = { workingDirectory, timeout, username, recurrence };
  refuseLacks(given, factsOf(provider), 'provider', path, problems);
  if (workingDirectory !== undefined && !WORKING_DIRECTORY.test(workingDirectory)) {
    problems.add(
      [...path, 'workingDirectory'],
      `expected ${WORKING_DIRECTORY_CHECK.expected}, came ${JSON.stringify(workingDirectory)}`,
    );
  }
  const settings = {
    timeoutSeconds: compileTimeout(spec.timeout, provider, path, problems),
    workingDirectory,
    ...compileOptions(spec, provider, 'provider', path, problems),
  };
  return Object.values(settings).some((value) => value !== undefined) ? settings : undefined;
}

type Plain = Pick<StandingSchedule, 'region' | 'command' | 'instances' | 'parameters' | 'username'>;

function literals(target: TargetTemplate): Plain | undefined {
  const region = target.region && literalOf(target.region);
  const command = literalOf(target.command);
  const username = target.username && literalOf(target.username);
  const instances = instancesOf(target);
  const parameters = target.parameters.map(({ name, template }) => [name, literalOf(template)] as const);
  if (region === undefined || command === undefined) return undefined;
  if (target.username !== undefined && username === undefined) return undefined;
  const values = parameters.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  const isPlain = target.instances.every(({ literal }) => literal !== undefined);
  if (!isPlain || values.length < parameters.length) return undefined;
  return {
    region,
    command,
    instances: [...new Set(instances)],
    parameters: Object.fromEntries(values),
    username,
  };
}

/** Those that are known: of a tagged fleet the cloud is asked at each sync. */
function instancesOf({ instances, fleet }: TargetTemplate): string[] {
  if (instances.length === 0) return [...(fleet?.instances ?? [])];
  return instances.map(literalOf).filter((id) => id !== undefined);
}

function literalOf(template: Template): string | undefined {
  return template.literal;
}
