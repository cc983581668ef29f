/**
 * The clouds that there are. A cloud is its folder and one line here: rules, their schema for editors, the command line,
 * the configuration and the functions take it from this list. Its client is loaded when it is opened.
 */
import { FleetReflexError } from '../errors.ts';
import { alibaba } from './alibaba/facts.ts';
import type { ProviderFacts } from './facts.ts';
import type { ProviderModule, Recurrences } from './provider-module.ts';
import { tencent } from './tencent/facts.ts';

type Load = () => Promise<ProviderModule>;

const registered = new Map<string, { facts: ProviderFacts; load: Load }>();

registerProvider(tencent, () => import('./tencent/open.ts'));
registerProvider(alibaba, () => import('./alibaba/open.ts'));

/**
 * Makes a cloud known. The schemas of rules and configuration are made of the clouds that are known when they are
 * loaded: register before.
 * @throws Error when another one has the name
 */
export function registerProvider(facts: ProviderFacts, load: Load): void {
  if (registered.has(facts.name)) throw new Error(`There are two clouds named ${facts.name}.`);
  registered.set(facts.name, { facts, load });
}

/** In the order in which they are registered. */
export function allProviders(): readonly ProviderFacts[] {
  return [...registered.values()].map(({ facts }) => facts);
}

/** @throws FleetReflexError `provider.unknown` (hold): no function of this version knows that cloud */
export function factsOf(name: string): ProviderFacts {
  return find(name).facts;
}

/** @throws FleetReflexError `provider.unknown` (hold) */
export async function loadProvider(name: string): Promise<ProviderModule> {
  return await find(name).load();
}

/** @throws FleetReflexError `provider.unsupported`: the cloud has no words for it; `provider.unknown` (hold) */
export async function recurrencesOf(name: string): Promise<Recurrences> {
  const { recurrences } = await loadProvider(name);
  if (recurrences !== undefined) return recurrences;
  throw new FleetReflexError('provider.unsupported', `${name} has no words for a recurrence: use \`at\``, {
    details: { provider: name },
  });
}

function find(name: string): { facts: ProviderFacts; load: Load } {
  const found = registered.get(name);
  if (found !== undefined) return found;
  const known = [...registered.keys()].join(', ');
  throw new FleetReflexError(
    'provider.unknown',
    `There is no cloud \`${name}\`; known: ${known}. Look whether another version of the functions asked for it.`,
    { disposition: 'hold', details: { provider: name } },
  );
}
