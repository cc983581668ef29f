/** Fills in where and what to run, and refuses what is not certainly meant: forms of ids, patterns of values. */
import type { Target } from '../model/target.ts';
import type { TriggerEvent } from '../model/trigger-event.ts';
import type { Fleet } from './fleet.ts';
import { chooseFleet } from './fleet-choice.ts';
import { Rejection, renderField } from './rejection.ts';
import type { Parameter, TargetTemplate } from './rule.ts';
import { OutOfSteps, type Steps } from './steps.ts';
import {
  DEFAULT,
  type Objection,
  objectToCommand,
  objectToCount,
  objectToInstance,
  objectToParameters,
  objectToRegion,
  objectToUsername,
  objectToValue,
  objectToWorkingDirectory,
  showValue,
} from './target-check.ts';
import { renderList, renderText, type Template } from './template.ts';

/** What runs where; of a tagged fleet, with the instances that were asked for by name, if any. */
export interface RenderedTarget {
  target: Target;
  /** The fleet that it is on. */
  fleet: Fleet | undefined;
}

/** @throws Rejection with what was known of the target by then */
export function renderTarget(target: TargetTemplate, event: TriggerEvent, steps: Steps): RenderedTarget {
  const { provider, timeoutSeconds, options } = target;
  const known: { region?: string; command?: string } = {};
  try {
    const fleet = target.fleetChoice ? chooseFleet(target.fleetChoice, event, steps) : target.fleet;
    const region = target.region ? renderField('region', target.region, event, steps) : (fleet?.region ?? '');
    refuse(objectToRegion(region));
    known.region = region;
    const command = renderField('command', target.command, event, steps);
    refuse(objectToCommand(command, provider));
    known.command = command;
    const instances = renderInstances(target, fleet, event, steps);
    const parameters = renderParameters(target, event, steps);
    const secrets = target.parameters.flatMap(({ name, isSecret }) => (isSecret ? [name] : []));
    const username = target.username && renderField('username', target.username, event, steps);
    if (username !== undefined) refuse(objectToUsername(username));
    const path = target.workingDirectory;
    const workingDirectory = path && renderField('workingDirectory', path, event, steps);
    if (workingDirectory !== undefined) refuse(objectToWorkingDirectory(workingDirectory));
    const rendered: Target = {
      provider,
      region,
      command,
      instances,
      parameters,
      secretParameters: secrets.length > 0 ? secrets : undefined,
      username,
      timeoutSeconds,
      workingDirectory,
      options,
    };
    return { target: rendered, fleet };
  } catch (thrown) {
    if (thrown instanceof OutOfSteps) throw new Rejection('limit.steps', steps.whySpent() ?? '', known);
    if (!(thrown instanceof Rejection)) throw thrown;
    throw new Rejection(thrown.code, thrown.message, known);
  }
}

function renderInstances(
  { instances, provider }: TargetTemplate,
  fleet: Fleet | undefined,
  event: TriggerEvent,
  steps: Steps,
): string[] {
  const isTagged = fleet?.tags !== undefined;
  if (instances.length === 0 && fleet !== undefined) return [...fleet.instances];
  const ids = new Set<string>();
  for (const template of instances) {
    const rendering = renderList(template, event, steps);
    if (!rendering.ok) throw new Rejection('template.failed', `\`instances\`: ${rendering.because}`);
    for (const id of rendering.value) {
      refuse(objectToInstance(id, provider));
      // Of a tagged fleet the cloud says it, when the run is sent.
      if (fleet !== undefined && !isTagged && !fleet.instances.has(id)) {
        throw new Rejection(
          'instances.not-in-fleet',
          `\`instances\`: ${showValue(id)} is not in the fleet \`${fleet.name}\`; add it to \`fleets\`, if it is meant`,
        );
      }
      ids.add(id);
    }
  }
  refuse(objectToCount(ids.size));
  return [...ids];
}

function renderParameters(
  { parameters, provider }: TargetTemplate,
  event: TriggerEvent,
  steps: Steps,
): Record<string, string> {
  const values = Object.fromEntries(
    parameters.map((parameter) => [parameter.name, renderParameter(parameter, event, steps)]),
  );
  refuse(objectToParameters(values, provider));
  return values;
}

function renderParameter(
  { name, template, pattern, isSecret }: Parameter,
  event: TriggerEvent,
  steps: Steps,
): string {
  const field = `parameters.${name}`;
  const value = isSecret
    ? renderSecret(field, template, event, steps)
    : renderField(field, template, event, steps);
  refuse(objectToValue(name, value, pattern, steps.spend, isSecret));
  return value;
}

/** Why an expression failed may have the value in it. */
function renderSecret(field: string, template: Template, event: TriggerEvent, steps: Steps): string {
  const rendering = renderText(template, event, steps);
  if (rendering.ok) return rendering.value;
  throw new Rejection(
    'template.failed',
    `\`${field}\`: it fails on this event; it is secret, so why is not shown`,
  );
}

/** The patterns that the rule gave, by parameter: dispatch looks at the values once more. */
export function patternsOf({ parameters }: TargetTemplate): Record<string, string> | undefined {
  const own = parameters.filter(({ pattern }) => pattern.source !== DEFAULT.source);
  return own.length === 0
    ? undefined
    : Object.fromEntries(own.map(({ name, pattern }) => [name, pattern.source]));
}

function refuse(objection: Objection | undefined): void {
  if (objection !== undefined) throw new Rejection(objection.code, objection.message);
}
