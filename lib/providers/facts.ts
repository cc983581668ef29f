/**
 * What is true of a cloud before anything is asked of it: the forms of its ids, its limits, and what it can do. Rules,
 * command line and dispatch read it from here (registry.ts); no client is imported for it.
 */
import type * as z from 'zod';
import type { ProviderName } from '../model/provider-name.ts';

/**
 * What a rule may say that a cloud may have no word for.
 * `recurrence`: when a command runs again and again, as the cloud writes it.
 * `fleetTags`: fleets whose instances the cloud is asked for by their tags.
 */
export const CAPABILITIES = [
  'username',
  'workingDirectory',
  'timeout',
  'output',
  'terminationMode',
  'tags',
  'recurrence',
  'fleetTags',
] as const;
export type Capability = (typeof CAPABILITIES)[number];

/** By unsupported capability, what to do instead, for the author of a rule. Everything else is supported. */
export type Lacks = Readonly<Partial<Record<Capability, string>>>;

export interface IdForm {
  /** Of the whole id. */
  readonly form: RegExp;
  /** For messages: `ins-…`. */
  readonly example: string;
}

export interface ProviderFacts {
  /** What rules, runs and events call it. */
  readonly name: ProviderName;
  /** What people call it: `Tencent Cloud TAT`. */
  readonly title: string;
  readonly instance: IdForm;
  readonly command: IdForm;
  /** Cuts a run's instances into what one invocation each may hold: within its limit, and of one kind. */
  readonly split: (instances: readonly string[]) => string[][];
  readonly maxParameters: number;
  readonly minTimeoutSeconds: number;
  /** Tags of the user's own, beside ours; absent where it lacks `tags`. */
  readonly maxTags?: number;
  /** How it finds the instances of a fleet by their tags; absent only where it lacks `fleetTags`. */
  readonly fleetTags?: FleetTagFacts;
  /** Where it stores a whole output; absent only where it lacks `output`. */
  readonly bucket?: { readonly form: RegExp; readonly expected: string; readonly maxPrefix: number };
  /** Of a command that we start. */
  readonly lacks: Lacks;
  /** What its client reads from the environment, by variable. */
  readonly settings: Readonly<Record<string, () => z.ZodType>>;
  /** What starts commands by itself, for the standing `schedules` of the rules. Absent: it has no such thing. */
  readonly schedules?: ScheduleFacts;
}

export interface FleetTagFacts {
  /** How many tags one fleet may have. */
  readonly max: number;
  /** Of a key, as far as the cloud documents it. */
  readonly key: IdForm;
  readonly maxValue: number;
  /** What to look at when it lists nothing, beside tags and region. */
  readonly ifEmpty: string;
}

export interface ScheduleFacts {
  readonly lacks: Lacks;
  readonly maxInstances: number;
  /** In which the cloud shows the time of one that runs once, as `Intl` takes it. */
  readonly zone: string;
  /** The instances of one schedule must have one prefix. */
  readonly isOfOneKind: boolean;
  /** A recurrence is over once a run of it failed. */
  readonly endsWithFailure: boolean;
}

/** Who starts the command: we (`run`, `schedule`), or the cloud by itself (a standing schedule). */
export type StartedBy = 'us' | 'provider';

/** @returns why the cloud takes no such thing, and what to do instead; undefined when it takes it */
export function lackOf(
  facts: ProviderFacts,
  startedBy: StartedBy,
  capability: Capability,
): string | undefined {
  return (startedBy === 'us' ? facts : facts.schedules)?.lacks[capability];
}
