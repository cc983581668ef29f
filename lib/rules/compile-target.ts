/** Compiles where and what a rule runs: the part that `run`, `schedule` and standing schedules share. */
import type { EventKind } from '../events/trigger-event.ts';
import { areInstancesFromEvent } from './event-chosen.ts';
import { compilePattern, type LinearPattern } from './linear-match.ts';
import { describeMismatch } from './mismatch.ts';
import type { Path, YamlFile } from './positions.ts';
import type { Problems } from './problems.ts';
import { PROVIDER_FORMS, REGION, USERNAME, WORKING_DIRECTORY } from './provider-ids.ts';
import type { Parameter, Target } from './rule.ts';
import { DEFAULT_PATTERN, SHELL_CHARACTERS } from './safe-text.ts';
import type { ProvidersSpec, RunSpec } from './schema.ts';
import { compileTemplate, type Template } from './template.ts';

export interface Compiling {
  readonly file: YamlFile;
  readonly problems: Problems;
  /** Problems that do not refuse the file. */
  readonly warnings: Problems;
  readonly providers: ProvidersSpec;
  /** The kinds of event that the rule sees; none in a standing schedule. */
  readonly kinds: readonly EventKind[];
}

type TargetSpec = Pick<
  RunSpec,
  'provider' | 'region' | 'command' | 'instances' | 'parameters' | 'patterns' | 'username'
>;

/** @returns undefined when something is wrong, which is among the problems then */
export function compileTarget(spec: TargetSpec, path: Path, compiling: Compiling): Target | undefined {
  const forms = PROVIDER_FORMS[spec.provider];
  const text = (field: string, value: string, check: LiteralCheck): Template | undefined =>
    compileText(value, [...path, field], compiling, check);
  const region = compileRegion(spec, path, compiling);
  const command = text('command', spec.command, {
    form: forms.command,
    expected: `a command of ${spec.provider}, ${forms.commandExample}`,
  });
  const instances = compileInstances(spec, path, compiling);
  const parameters = compileParameters(spec, path, compiling);
  const username = spec.username === undefined ? undefined : text('username', spec.username, USERNAME_CHECK);
  if (region === undefined || command === undefined || instances === undefined || parameters === undefined) {
    return undefined;
  }
  return {
    provider: spec.provider,
    region,
    command,
    instances,
    isInstancesFromEvent: areInstancesFromEvent(instances),
    parameters,
    ...(username && { username }),
  };
}

export interface LiteralCheck {
  form: RegExp;
  /** What to write, for the message. */
  expected: string;
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
  if (check !== undefined && template.literal !== undefined && !check.form.test(template.literal)) {
    problems.add(path, `expected ${check.expected}, came ${JSON.stringify(template.literal)}`);
    return undefined;
  }
  return template;
}

function compileRegion(spec: TargetSpec, path: Path, compiling: Compiling): Template | undefined {
  const isOwn = spec.region !== undefined;
  const region = spec.region ?? compiling.providers[spec.provider]?.region;
  if (region === undefined) {
    compiling.problems.add(
      path,
      `has no region: write \`region: …\` here, or \`providers: { ${spec.provider}: { region: … } }\` for every rule`,
    );
    return undefined;
  }
  const at = isOwn ? [...path, 'region'] : ['providers', spec.provider, 'region'];
  return compileText(region, at, compiling, { form: REGION, expected: 'a region like ap-guangzhou' });
}

function compileInstances(spec: TargetSpec, path: Path, compiling: Compiling): Template[] | undefined {
  const { instance, instanceExample } = PROVIDER_FORMS[spec.provider];
  const check = {
    form: instance,
    expected: `an instance id of ${spec.provider}, ${instanceExample}`,
    mayBeList: true,
  };
  const at = [...path, 'instances'];
  const templates =
    typeof spec.instances === 'string'
      ? [compileText(spec.instances, at, compiling, check)]
      : spec.instances.map((text, index) => compileText(text, [...at, index], compiling, check));
  const compiled = templates.filter((template) => template !== undefined);
  return compiled.length === templates.length ? compiled : undefined;
}

function compileParameters(spec: TargetSpec, path: Path, compiling: Compiling): Parameter[] | undefined {
  const { problems, warnings, file } = compiling;
  const names = Object.keys(spec.parameters);
  const { maxParameters } = PROVIDER_FORMS[spec.provider];
  if (names.length > maxParameters) {
    problems.add(
      [...path, 'parameters'],
      `${spec.provider} takes at most ${maxParameters} parameters, came ${names.length}`,
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
      warnAbout(compiled.pattern, at, warnings);
    }
  }
  const parameters = names.map((name) => {
    const at = [...path, 'parameters', name];
    const value = spec.parameters[name] ?? '';
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
        `${describeMismatch(template.literal, result.reached, pattern)}; change the value, or give the parameter a pattern of its own under \`patterns\``,
      );
    }
    return template === undefined ? undefined : { name, template, pattern };
  });
  const compiled = parameters.filter((parameter) => parameter !== undefined);
  return compiled.length === parameters.length ? compiled : undefined;
}

function warnAbout(pattern: LinearPattern, path: Path, warnings: Problems): void {
  const taken = SHELL_CHARACTERS.filter((character) => pattern.mayTake(character));
  if (taken.length > 0) {
    const shown = taken.map((character) => JSON.stringify(character).slice(1, -1)).join(' ');
    warnings.add(
      path,
      `lets characters through that a shell reads: ${shown}. The provider pastes the value into the script as it is`,
    );
  } else if (pattern.matchWhole('-x').isMatch) {
    warnings.add(path, 'lets a value begin with `-`, which a command may take for an option');
  }
}

function defaultPattern(): LinearPattern {
  const compiled = compilePattern(DEFAULT_PATTERN);
  if (!compiled.ok) throw new Error(compiled.problem);
  return compiled.pattern;
}

const DEFAULT = defaultPattern();
