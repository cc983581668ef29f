/** The fleets of the rules file: by one name, the instances that rules may touch, whatever an event asks for. */
import type { ProviderName } from '../model/provider-name.ts';
import { factsOf } from '../providers/registry.ts';
import { unknownName } from './did-you-mean.ts';
import type { Path } from './positions.ts';
import type { Problems } from './problems.ts';
import { FleetSpec } from './schema/fleets.ts';
import type { ProvidersSpec } from './schema/rules-file.ts';

export interface Fleet {
  readonly name: string;
  readonly provider: ProviderName;
  /** Absent where the file names none, which is among the problems then. */
  readonly region?: string;
  /** Each once, in the order of the file. */
  readonly instances: ReadonlySet<string>;
}

/** By name; undefined for one that is not well formed: that a rule names it is not one more problem. */
export type Fleets = ReadonlyMap<string, Fleet | undefined>;

/** @param given the section `fleets` as the file has it, by name */
export function compileFleets(
  given: Readonly<Record<string, unknown>>,
  { providers, problems }: { providers: ProvidersSpec; problems: Problems },
): Fleets {
  const fleets = Object.entries(given).map(([name, value]): [string, Fleet | undefined] => {
    const spec = FleetSpec.safeParse(value).data;
    return [name, spec && compileFleet(name, spec)];
  });
  return new Map(fleets);

  function compileFleet(name: string, { provider, region: own, instances }: FleetSpec): Fleet {
    const path = ['fleets', name];
    const { form, example } = factsOf(provider).instance;
    for (const [index, id] of instances.entries()) {
      if (form.test(id)) continue;
      problems.add(
        [...path, 'instances', index],
        `expected an instance id of ${provider}, ${example}, came ${JSON.stringify(id)}`,
      );
    }
    const region = own ?? providers[provider]?.region;
    if (region === undefined) {
      problems.add(
        path,
        `has no region: write \`region: …\` here, or \`providers: { ${provider}: { region: … } }\` for all of them`,
      );
    }
    return { name, provider, instances: new Set(instances), ...(region !== undefined && { region }) };
  }
}

/** @returns undefined when the file has no such fleet, or a broken one, which is among the problems then */
export function findFleet(
  name: string,
  path: Path,
  { fleets, problems }: { fleets: Fleets; problems: Problems },
): Fleet | undefined {
  if (!fleets.has(name)) problems.add([...path, 'fleet'], unknownName('fleet', name, [...fleets.keys()]));
  return fleets.get(name);
}
