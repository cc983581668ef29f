/** What everything about schedules needs, and how patient it is. */
import { FleetReflexError } from '../errors.ts';
import type { ProviderName } from '../model/provider-name.ts';
import type { FleetCache } from '../providers/fleet-cache.ts';
import type { Provider, Providers } from '../providers/provider.ts';
import type { ProviderSchedules } from '../providers/schedules.ts';
import type { SettleContext } from '../runs/settle.ts';
import type { ScheduleLedger } from '../store/schedule-ledger.ts';

/** By cloud; one that starts no command by itself is not among them. */
export type SchedulePorts = Readonly<Record<ProviderName, ProviderSchedules>>;

/** @throws FleetReflexError `provider.unsupported` */
export function schedulesOf(ports: SchedulePorts, provider: ProviderName): ProviderSchedules {
  const port = Object.hasOwn(ports, provider) ? ports[provider] : undefined;
  if (port !== undefined) return port;
  throw new FleetReflexError(
    'provider.unsupported',
    `${provider} starts no command by itself: write a rule with \`schedule\`, which fleet-reflex starts`,
    { details: { provider } },
  );
}

export interface SchedulesContext extends SettleContext {
  providers: Providers<Pick<Provider, 'split' | 'cancel'>>;
  schedules: SchedulePorts;
  /** Says which instances a tagged fleet has. */
  fleets: FleetCache;
  ledger: ScheduleLedger;
  /** Makes sure that the poller, and with it `tendSchedules`, looks at that time. */
  wake: (at: Date) => Promise<void>;
  /** How long one attempt may take before another may take over. */
  leaseMs: number;
  /** Default PATIENCE. */
  patience?: Patience;
}

/** All in milliseconds. */
export interface Patience {
  /** How far before the last known firing it is looked again: a provider may show a firing late. */
  overlapMs: number;
  /** How long after its time a firing that the provider does not show is waited for. */
  silentMs: number;
  /** The provider is asked so often although no firing is expected: somebody may have changed it there. */
  lookAnywayMs: number;
  /** How often rules and provider are compared although nothing is known to have changed. */
  driftMs: number;
  /** How long a recurring schedule may take to be made, retries included. */
  arrangeMs: number;
  /** A firing that is expected within this time gets a wake-up of its own; later ones are met by the minute. */
  wakeWithinMs: number;
  /** After its time the firing is looked for in steps of this, as long as it is `wakeWithinMs` late at most. */
  lookAgainMs: number;
  /** How long the run of a recurring schedule is kept on from each time that it is tended. */
  keepMs: number;
}

const MINUTE = 60_000;

export const PATIENCE: Patience = {
  overlapMs: 10 * MINUTE,
  silentMs: 15 * MINUTE,
  lookAnywayMs: 60 * MINUTE,
  driftMs: 15 * MINUTE,
  arrangeMs: 15 * MINUTE,
  wakeWithinMs: 75_000,
  lookAgainMs: 2_000,
  keepMs: 7 * 24 * 60 * MINUTE,
};

export function patienceOf({ patience }: Pick<SchedulesContext, 'patience'>): Patience {
  return patience ?? PATIENCE;
}
