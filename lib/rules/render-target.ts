/** Fills in where and what to run, and refuses what is not certainly meant: forms of ids, patterns of values. */
import type { TriggerEvent } from '../events/trigger-event.ts';
import type { ProviderName } from '../providers/provider.ts';
import { describeMismatch } from './mismatch.ts';
import { PROVIDER_FORMS, REGION, USERNAME, WORKING_DIRECTORY } from './provider-ids.ts';
import { Rejection, renderField } from './rejection.ts';
import type { Parameter, Target } from './rule.ts';
import { renderList, type Template } from './template.ts';

export interface RenderedTarget {
  provider: ProviderName;
  region: string;
  command: string;
  instances: string[];
  parameters: Record<string, string>;
  username?: string;
}

/** More than this is not a list that somebody meant, and would not fit into a message. */
const MAX_INSTANCES = 2000;

/** @throws Rejection with what was known of the target by then */
export function renderTarget(target: Target, event: TriggerEvent): RenderedTarget {
  const known: { region?: string; command?: string } = {};
  try {
    const forms = PROVIDER_FORMS[target.provider];
    const region = renderField('region', target.region, event);
    known.region = checkForm('region', region, REGION, 'a region like ap-guangzhou');
    const command = renderField('command', target.command, event);
    known.command = checkForm(
      'command',
      command,
      forms.command,
      `a command of ${target.provider}, ${forms.commandExample}`,
    );
    const instances = renderInstances(target, event);
    const parameters = renderParameters(target.parameters, event);
    const username = target.username && renderField('username', target.username, event);
    if (username !== undefined) checkForm('username', username, USERNAME, 'a user name like deploy');
    return {
      provider: target.provider,
      region: known.region,
      command: known.command,
      instances,
      parameters,
      ...(username !== undefined && { username }),
    };
  } catch (thrown) {
    if (!(thrown instanceof Rejection)) throw thrown;
    throw new Rejection(thrown.code, thrown.message, known);
  }
}

/** @throws Rejection `workingDirectory.invalid`, `template.failed` */
export function renderWorkingDirectory(template: Template, event: TriggerEvent): string {
  const path = renderField('workingDirectory', template, event);
  return checkForm(
    'workingDirectory',
    path,
    WORKING_DIRECTORY,
    'an absolute path without characters that a shell reads',
  );
}

function checkForm(field: string, value: string, form: RegExp, expected: string): string {
  if (form.test(value)) return value;
  throw new Rejection(`${field}.invalid`, `\`${field}\`: expected ${expected}, came ${show(value)}`);
}

function renderInstances({ instances, provider, fleet }: Target, event: TriggerEvent): string[] {
  const { instance, instanceExample } = PROVIDER_FORMS[provider];
  const ids = new Set<string>();
  for (const template of instances) {
    const rendering = renderList(template, event);
    if (!rendering.ok) throw new Rejection('template.failed', `\`instances\`: ${rendering.because}`);
    for (const id of rendering.value) {
      if (!instance.test(id)) {
        throw new Rejection(
          'instances.invalid',
          `\`instances\`: expected ids of ${provider}, ${instanceExample}, came ${show(id)}`,
        );
      }
      if (fleet !== undefined && !fleet.instances.has(id)) {
        throw new Rejection(
          'instances.not-in-fleet',
          `\`instances\`: ${show(id)} is not in the fleet \`${fleet.name}\`; add it to \`fleets\`, if it is meant`,
        );
      }
      ids.add(id);
    }
  }
  if (ids.size === 0)
    throw new Rejection('instances.invalid', '`instances`: the list is empty; there is nothing to run on');
  if (ids.size > MAX_INSTANCES) {
    throw new Rejection(
      'instances.invalid',
      `\`instances\`: expected at most ${MAX_INSTANCES} instances, came ${ids.size}`,
    );
  }
  return [...ids];
}

function renderParameters(parameters: readonly Parameter[], event: TriggerEvent): Record<string, string> {
  const values = parameters.map((parameter) => [parameter.name, renderParameter(parameter, event)] as const);
  const length = values.reduce((sum, [, value]) => sum + value.length, 0);
  if (length <= MAX_VALUES) return Object.fromEntries(values);
  throw new Rejection(
    'parameters.unsafe',
    `the parameters: expected at most ${MAX_VALUES} characters in all, came ${length}`,
  );
}

function renderParameter({ name, template, pattern }: Parameter, event: TriggerEvent): string {
  const value = renderField(`parameters.${name}`, template, event);
  if (value.length > MAX_VALUE) {
    throw new Rejection(
      'parameters.unsafe',
      `the parameter \`${name}\`: expected at most ${MAX_VALUE} characters, came ${value.length}`,
    );
  }
  const result = pattern.matchWhole(value);
  if (result.isMatch) return value;
  throw new Rejection(
    'parameters.unsafe',
    `the parameter \`${name}\`: ${describeMismatch(value, result.reached, pattern)}`,
  );
}

/** This bounds the work of the patterns … */
const MAX_VALUE = 8192;
/** … and this the message: the vendors take no more than 24 KB of script and values together. */
const MAX_VALUES = 24_576;

/** Plain characters are shown as they came; others are only counted, for a record is read by people and programs. */
function show(value: string): string {
  if (value === '') return 'nothing';
  if (/^[A-Za-z0-9_.,:@/+=-]{1,60}$/.test(value)) return `\`${value}\``;
  return `${[...value].length} characters that are none`;
}
