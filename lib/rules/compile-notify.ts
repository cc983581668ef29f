/** Finds the destinations that a rule or a schedule names. */
import type { DestinationRef } from '../model/destination-ref.ts';
import { unknownName } from './did-you-mean.ts';
import type { Path } from './positions.ts';
import type { Problems } from './problems.ts';
import type { NotifySpec } from './schema/notify.ts';

/** Each destination once for each outcome. An unknown name is added to the problems. */
export function compileNotify(
  spec: NotifySpec,
  path: Path,
  { destinations, problems }: { destinations: ReadonlyMap<string, DestinationRef>; problems: Problems },
): DestinationRef[] {
  const find = (names: readonly string[], at: Path): DestinationRef[] =>
    [...new Set(names)].flatMap((name) => {
      const known = destinations.get(name);
      if (known !== undefined) return [known];
      problems.add([...at, names.indexOf(name)], unknownName('destination', name, [...destinations.keys()]));
      return [];
    });
  const at = [...path, 'notify'];
  if (Array.isArray(spec)) return find(spec, at);
  const outcomes = ['succeeded', 'failed'] as const;
  return [
    ...find(spec.all ?? [], [...at, 'all']),
    ...outcomes.flatMap((outcome) =>
      find(spec[outcome] ?? [], [...at, outcome]).map((ref) => ({ ...ref, outcome })),
    ),
  ];
}
