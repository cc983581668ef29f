/** What `open.ts` of a cloud's folder exports: its client and its reader of recurrences, loaded when they are needed. */
import type * as z from 'zod';
import type { Provider } from './provider.ts';
import type { Rehearsing } from './rehearsal.ts';
import type { RequestShares } from './request-shares.ts';
import type { ProviderSchedules } from './schedules.ts';

export interface ProviderModule {
  /** Opens no connection yet. */
  open(options: OpenOptions): OpenProvider;
  /** Absent where the facts lack `recurrence`. */
  readonly recurrences?: Recurrences;
}

/** The port, what else the cloud can do, and the end of its connections. */
export type OpenProvider = Provider &
  Partial<Rehearsing> & {
    /** Absent where the facts have no `schedules`. On the same connections and rate limits. */
    readonly schedules?: ProviderSchedules;
    close(): Promise<void>;
  };

export interface OpenOptions {
  /** What the environment holds, as the facts' `settings` read it. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Makes what gives the credentials for each call. */
  readonly credentials: <Credentials>(facts: CredentialFacts<Credentials>) => () => Promise<Credentials>;
  readonly requestShares: RequestShares;
  readonly stage: string;
}

/** Where the credentials are: in settings of their own, or in a secret that a setting names, as JSON. */
export interface CredentialFacts<Credentials> {
  readonly title: string;
  /** The setting that names the secret. */
  readonly secret: string;
  /** For each field, the setting that holds it. */
  readonly fields: Readonly<Record<keyof Credentials, string>>;
  readonly schema: z.ZodType<Credentials>;
}

/** Reads what is written in the cloud's own words about when something happens again and again. */
export interface Recurrences {
  /** The problem, and what to write instead; undefined if the cloud accepts it. */
  problemOf(recurrence: string): string | undefined;
  /**
   * For what we start ourselves: the first time after `from`, undefined when there is none any more.
   * @param since a rate counts from there
   * @throws FleetReflexError `provider.invalid`
   */
  nextTime(recurrence: string, from: Date, since: Date): Date | undefined;
  /** For people: the next times of one that the cloud takes. */
  nextTimes(recurrence: string, count: number, from: Date): NextTimes;
}

export interface NextTimes {
  times: Date[];
  /** The one that the recurrence is written in, as `Intl` takes it. */
  zone: string;
  /** What the times do not tell. */
  note?: string;
}
