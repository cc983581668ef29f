/** The fleet that a rule runs on: one by its name, or one of several, which the event chooses by its name. */
import type { TriggerEvent } from '../model/trigger-event.ts';
import { type Fleet, type Fleets, findFleet } from './fleet.ts';
import type { Path } from './positions.ts';
import type { Problems } from './problems.ts';
import { Rejection, renderField } from './rejection.ts';
import type { FleetName } from './schema/target.ts';
import type { Steps } from './steps.ts';
import { showValue } from './target-check.ts';
import type { Template } from './template.ts';

/** Those of which an event chooses, all of one cloud. */
export interface FleetChoice {
  readonly from: Template;
  readonly of: readonly Fleet[];
}

/**
 * The fleets that the field `fleet` names.
 * @returns undefined when one of them is not there, which is among the problems then
 */
export function fleetsOf(
  given: FleetName,
  path: Path,
  context: { fleets: Fleets; problems: Problems },
): Fleet[] | undefined {
  if (typeof given === 'string') {
    const fleet = findFleet(given, path, context);
    return fleet && [fleet];
  }
  const found = given.of.map((name, index) => findFleet(name, [...path, 'of', index], context));
  const fleets = found.filter((fleet) => fleet !== undefined);
  const [first] = fleets;
  for (const [index, fleet] of found.entries()) {
    if (fleet === undefined || first === undefined || fleet.provider === first.provider) continue;
    context.problems.add(
      [...path, 'of', index],
      `\`${fleet.name}\` is of ${fleet.provider}, and \`${first.name}\` of ${first.provider}: a command is of one cloud; write a rule for each`,
    );
  }
  return fleets.length === found.length ? fleets : undefined;
}

/** @throws Rejection `fleet.not-allowed`, `template.failed` */
export function chooseFleet({ from, of }: FleetChoice, event: TriggerEvent, steps: Steps): Fleet {
  const name = renderField('fleet.from', from, event, steps);
  const chosen = of.find((fleet) => fleet.name === name);
  if (chosen !== undefined) return chosen;
  const allowed = of.map((fleet) => fleet.name).join(', ');
  throw new Rejection(
    'fleet.not-allowed',
    `\`fleet\`: ${showValue(name)} is not one of the fleets that this rule may run on: ${allowed}`,
  );
}
