/** Finds the destinations that a rule or a schedule names. */
import type { DestinationRef } from '../model/destination-ref.ts';
import { unknownName } from './did-you-mean.ts';
import type { Path } from './positions.ts';
import type { Problems } from './problems.ts';

/** Each once. A name that means nothing is among the problems then. */
export function compileNotify(
  names: readonly string[],
  path: Path,
  { destinations, problems }: { destinations: ReadonlyMap<string, DestinationRef>; problems: Problems },
): DestinationRef[] {
  return [...new Set(names)].flatMap((name) => {
    const known = destinations.get(name);
    if (known !== undefined) return [known];
    const index = names.indexOf(name);
    problems.add([...path, 'notify', index], unknownName('destination', name, [...destinations.keys()]));
    return [];
  });
}
