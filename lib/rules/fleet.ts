/** The fleets of the rules file: by one name, the instances that rules may touch, whatever an event asks for. */
import type { ProviderName } from '../model/provider-name.ts';
import type { TaggedFleet } from '../model/tagged-fleet.ts';
import { lackOf, type ProviderFacts } from '../providers/facts.ts';
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
  /** Each once, in the order of the file; none of a tagged fleet, of which the cloud is asked when a run is sent. */
  readonly instances: ReadonlySet<string>;
  /** Of a tagged fleet. */
  readonly tags?: TaggedFleet['tags'];
}

/** By name; undefined for one that is not well formed: that a rule names it is not one more problem. */
export type Fleets = ReadonlyMap<string, Fleet | undefined>;

/** The part of a tagged fleet that a request carries; undefined for a list. */
export function taggedPart({ name, tags }: Fleet): TaggedFleet | undefined {
  return tags && { name, tags: { ...tags } };
}

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

  function compileFleet(name: string, { provider, region: own, instances = [], tags }: FleetSpec): Fleet {
    const path = ['fleets', name];
    const facts = factsOf(provider);
    const { form, example } = facts.instance;
    for (const [index, id] of instances.entries()) {
      if (form.test(id)) continue;
      problems.add(
        [...path, 'instances', index],
        `expected an instance id of ${provider}, ${example}, came ${JSON.stringify(id)}`,
      );
    }
    if (tags !== undefined) checkTags(tags, facts, [...path, 'tags'], problems);
    const region = own ?? providers[provider]?.region;
    if (region === undefined) {
      problems.add(
        path,
        `has no region: write \`region: …\` here, or \`providers: { ${provider}: { region: … } }\` for all of them`,
      );
    }
    return {
      name,
      provider,
      instances: new Set(instances),
      ...(tags !== undefined && { tags }),
      ...(region !== undefined && { region }),
    };
  }
}

function checkTags(tags: TaggedFleet['tags'], facts: ProviderFacts, path: Path, problems: Problems): void {
  const lack = lackOf(facts, 'us', 'fleetTags');
  if (lack !== undefined) problems.add(path, lack);
  const { fleetTags } = facts;
  if (fleetTags === undefined) return;
  const { max, key: form, maxValue } = fleetTags;
  const entries = Object.entries(tags);
  if (entries.length > max) {
    problems.add(path, `${facts.name} takes at most ${max} tags, came ${entries.length}`);
  }
  for (const [key, value] of entries) {
    const at = [...path, key];
    if (!isPlain(key) || !form.form.test(key)) problems.addAtKey(at, `expected ${form.example}`);
    if (value === '' || value.length > maxValue || !isPlain(value)) {
      problems.add(
        at,
        `expected a text of 1 to ${maxValue} characters as it stands, without \`\${…}\`: an event chooses no tag`,
      );
    }
  }
}

/** No template, and nothing that cannot be seen. */
function isPlain(text: string): boolean {
  return !/\$\{|\p{C}/u.test(text) && text.trim() === text;
}

/** @returns undefined when the file has no such fleet, or a broken one, which is among the problems then */
export function findFleet(
  name: string,
  path: Path,
  { fleets, problems }: { fleets: Fleets; problems: Problems },
): Fleet | undefined {
  if (!fleets.has(name)) problems.add(path, unknownName('fleet', name, [...fleets.keys()]));
  return fleets.get(name);
}
