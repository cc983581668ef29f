/** Compiles where and what a rule runs: the part that `run`, `schedule` and standing schedules share. */
import type { ProviderName } from '../model/provider-name.ts';
import type { EventKind } from '../model/trigger-event.ts';
import { factsOf } from '../providers/registry.ts';
import { compilePattern, type LinearPattern } from '../regex/linear-match.ts';
import { areInstancesFromEvent, isFromEvent, type Unsafe } from './event-chosen.ts';
import type { Fleet, Fleets } from './fleet.ts';
import { fleetsOf } from './fleet-choice.ts';
import { describeMismatch } from './mismatch.ts';
import type { Path, YamlFile } from './positions.ts';
import type { Problems } from './problems.ts';
import type { Parameter, TargetTemplate } from './rule.ts';
import type { RunSpec } from './schema/actions.ts';
import type { ProvidersSpec } from './schema/rules-file.ts';
import { DEFAULT, REGION, USERNAME, WORKING_DIRECTORY } from './target-check.ts';
import { compileTemplate, type Template } from './template.ts';

export interface Compiling {
  readonly file: YamlFile;
  readonly problems: Problems;
  /** Problems that do not refuse the file. */
  readonly warnings: Problems;
  readonly providers: ProvidersSpec;
  readonly fleets: Fleets;
  /** The kinds of event that the rule sees; none in a standing schedule. */
  readonly kinds: readonly EventKind[];
}

type TargetSpec = Pick<
  RunSpec,
  'fleet' | 'provider' | 'region' | 'command' | 'instances' | 'parameters' | 'patterns' | 'username'
>;

/** Whose forms its values must have; undefined where that is wrong, which is among the problems then. */
export function providerOf(
  { fleet, provider }: Pick<TargetSpec, 'fleet' | 'provider'>,
  { fleets }: Pick<Compiling, 'fleets'>,
): ProviderName | undefined {
  if (fleet === undefined) return provider;
  const names = typeof fleet === 'string' ? [fleet] : fleet.of;
  return names.map((name) => fleets.get(name)).find((one) => one !== undefined)?.provider;
}

/**
 * @param unsafe what the rule leaves to events on purpose; absent for what no event can reach
 * @returns undefined when something is wrong, which is among the problems then
 */
export function compileTarget(
  spec: TargetSpec,
  path: Path,
  compiling: Compiling,
  unsafe?: Unsafe,
): TargetTemplate | undefined {
  const fleetPath = [...path, 'fleet'];
  const fleets = spec.fleet === undefined ? [] : fleetsOf(spec.fleet, fleetPath, compiling);
  const from =
    typeof spec.fleet === 'object'
      ? compileText(spec.fleet.from, [...fleetPath, 'from'], compiling)
      : undefined;
  const isChosen = typeof spec.fleet === 'object';
  const fleet = isChosen ? undefined : fleets?.[0];
  const provider = fleets?.[0]?.provider ?? spec.provider;
  const facts = provider === undefined ? undefined : factsOf(provider);
  const text = (field: string, value: string, check?: LiteralCheck): Template | undefined =>
    compileText(value, [...path, field], compiling, check);
  const region =
    provider === undefined || isChosen ? undefined : compileRegion(spec, fleet, provider, path, compiling);
  const command = text(
    'command',
    spec.command,
    facts && { form: facts.command.form, expected: `a command of ${provider}, ${facts.command.example}` },
  );
  const instances = compileInstances(spec, fleets ?? [], provider, path, compiling);
  const parameters = compileParameters(spec, provider, path, compiling, unsafe);
  const username = spec.username === undefined ? undefined : text('username', spec.username, USERNAME_CHECK);
  unsafe?.refuse('region', region, 'write the region, or a `fleet`, which has one');
  unsafe?.refuse(
    'command',
    command,
    'write the id of the command, and a rule for each command that is meant',
  );
  unsafe?.refuse('username', username, 'write the name of the user');
  if (spec.fleet === undefined) {
    const chosen = instances?.find(isFromEvent);
    unsafe?.refuse('instances', chosen, 'write `fleet: …`, a fleet of `fleets` in which they must be');
  }
  if (provider === undefined || command === undefined || fleets === undefined) return undefined;
  if (isChosen ? from === undefined : region === undefined) return undefined;
  if (instances === undefined || parameters === undefined) return undefined;
  return {
    fleet,
    fleetChoice: from && { from, of: fleets },
    provider,
    region,
    command,
    instances,
    isInstancesFromEvent: areInstancesFromEvent(instances),
    parameters,
    username,
  };
}

export interface LiteralCheck {
  /** Absent: any text. */
  form?: RegExp;
  /** What to write, for the message. */
  expected?: string;
  mayBeList?: boolean;
}

export const USERNAME_CHECK: LiteralCheck = { form: USERNAME, expected: 'a user name like deploy' };
export const WORKING_DIRECTORY_CHECK: LiteralCheck = {
  form: WORKING_DIRECTORY,
  expected: 'an absolute path like /srv/app, without characters that a shell reads',
};

/** A template; one without expressions is checked at once. */
export function compileText(
  value: string,
  path: Path,
  { kinds, problems }: Compiling,
  check?: LiteralCheck,
): Template | undefined {
  const compiled = compileTemplate(value, kinds, check?.mayBeList);
  if (!compiled.ok) {
    problems.add(path, compiled.problem, compiled.offset);
    return undefined;
  }
  const { template } = compiled;
  if (template.literal !== undefined && check?.form?.test(template.literal) === false) {
    problems.add(path, `expected ${check.expected}, came ${JSON.stringify(template.literal)}`);
    return undefined;
  }
  return template;
}

function compileRegion(
  spec: TargetSpec,
  fleet: Fleet | undefined,
  provider: ProviderName,
  path: Path,
  compiling: Compiling,
): Template | undefined {
  // That a fleet has none is among the problems already.
  if (fleet !== undefined) return fleet.region === undefined ? undefined : literal(fleet.region);
  const region = spec.region ?? compiling.providers[provider]?.region;
  if (region === undefined) {
    compiling.problems.add(
      path,
      `has no region: write \`region: …\` here, or \`providers: { ${provider}: { region: … } }\` for every rule`,
    );
    return undefined;
  }
  const at = spec.region === undefined ? ['providers', provider, 'region'] : [...path, 'region'];
  return compileText(region, at, compiling, { form: REGION, expected: 'a region like ap-guangzhou' });
}

function compileInstances(
  spec: TargetSpec,
  fleets: readonly Fleet[],
  provider: ProviderName | undefined,
  path: Path,
  compiling: Compiling,
): Template[] | undefined {
  if (spec.instances === undefined) return spec.fleet === undefined ? undefined : [];
  const ids = provider === undefined ? undefined : factsOf(provider).instance;
  const check = ids && { form: ids.form, expected: `an instance id of ${provider}, ${ids.example}` };
  const at = [...path, 'instances'];
  const texts: readonly (readonly [string, Path])[] =
    typeof spec.instances === 'string'
      ? [[spec.instances, at]]
      : spec.instances.map((text, index) => [text, [...at, index]]);
  const templates = texts.map(([text, place]) => {
    const template = compileText(text, place, compiling, { ...check, mayBeList: true });
    checkMember(template?.literal, fleets, place, compiling);
    return template;
  });
  const compiled = templates.filter((template) => template !== undefined);
  return compiled.length === templates.length ? compiled : undefined;
}

function checkMember(
  id: string | undefined,
  fleets: readonly Fleet[],
  path: Path,
  { problems }: Compiling,
): void {
  // Whether a tagged fleet has it, the cloud says when the run is sent.
  const without = fleets.find(({ instances, tags }) => tags === undefined && !instances.has(id ?? ''));
  if (id === undefined || without === undefined) return;
  problems.add(path, `\`${id}\` is not in the fleet \`${without.name}\`; add it there, or leave it out here`);
}

function compileParameters(
  spec: TargetSpec,
  provider: ProviderName | undefined,
  path: Path,
  compiling: Compiling,
  unsafe: Unsafe | undefined,
): Parameter[] | undefined {
  const { problems, file } = compiling;
  const names = Object.keys(spec.parameters);
  const maxParameters = provider === undefined ? undefined : factsOf(provider).maxParameters;
  if (maxParameters !== undefined && names.length > maxParameters) {
    problems.add(
      [...path, 'parameters'],
      `${provider} takes at most ${maxParameters} parameters, came ${names.length}`,
    );
  }
  const patterns = new Map<string, LinearPattern>();
  for (const [name, source] of Object.entries(spec.patterns)) {
    const at = [...path, 'patterns', name];
    if (!names.includes(name))
      problems.addAtKey(
        at,
        `there is no parameter \`${name}\` that it could be for; parameters: ${names.join(', ') || 'none'}`,
      );
    const compiled = compilePattern(source);
    if (!compiled.ok) problems.add(at, `the pattern ${compiled.problem}`, compiled.offset);
    else {
      patterns.set(name, compiled.pattern);
      unsafe?.refusePattern(name, compiled.pattern);
    }
  }
  const parameters = names.map((name) => {
    const given = spec.parameters[name] ?? '';
    const isDetailed = typeof given === 'object';
    const { value, secret: isSecret } = isDetailed ? given : { value: given, secret: false };
    const at = [...path, 'parameters', name, ...(isDetailed ? ['value'] : [])];
    const text = String(value);
    if (typeof value !== 'string' && file.sourceOf(at) !== text) {
      problems.add(at, `is written ${file.sourceOf(at)} and would be ${text}; put it in quotes`);
    }
    const template = compileText(text, at, compiling);
    const pattern = patterns.get(name) ?? DEFAULT;
    const result = template?.literal === undefined ? undefined : pattern.matchWhole(template.literal);
    if (template?.literal !== undefined && result?.isMatch === false) {
      problems.add(
        at,
        `${describeMismatch(template.literal, result.reached, pattern, isSecret)}; change the value, or give the parameter a pattern of its own under \`patterns\``,
      );
    }
    return template === undefined ? undefined : { name, template, pattern, isSecret };
  });
  const compiled = parameters.filter((parameter) => parameter !== undefined);
  return compiled.length === parameters.length ? compiled : undefined;
}

/** A text of the file, as a template. */
function literal(text: string): Template {
  return { text, parts: [text], literal: text };
}
