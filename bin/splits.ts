/** How each cloud's runs are cut into calls, without a client that could make one. */
import { allProviders } from '../lib/providers/registry.ts';
import type { SimulationOptions } from '../lib/simulation/simulation.ts';

export const SPLITS: SimulationOptions['providers'] = Object.fromEntries(
  allProviders().map((facts) => [facts.name, facts]),
);
