/**
 * The seam to a cloud that runs commands. Dispatch, polling and cancelling know only this port; each provider's
 * folder (tencent/, alibaba/) implements it over the vendor's API. docs/adding-a-provider.md tells how to add one.
 */
import { FleetReflexError } from '../errors.ts';
import type { ProviderName } from '../model/provider-name.ts';
import type { Started, TaskStatus } from '../model/status.ts';
import type { Target } from '../model/target.ts';
import type { KeepingCommands } from './stored-command.ts';

/** What to run, where: one call of the vendor's InvokeCommand, already within its limits (see `Provider.split`). */
export interface Invocation {
  /** Unique for run and batch, at most 64 ASCII characters, the same on every attempt (Alibaba's ClientToken). */
  token: string;
  /** That of the run, with the instances of this invocation. */
  target: Readonly<Target>;
  /** Where the provider can store them beside the invocation (Alibaba tags), they say whose it is. */
  labels: Readonly<Record<string, string>>;
}

/** What the vendor said, in its own words, and what an operator should do about it. */
export interface ProviderFailure {
  /** The vendor's code, or ours for what never reached it (`Network`, `Timeout`, `InvalidRequest`). */
  code: string;
  message: string;
  /** One sentence for the person who is on call. */
  advice: string;
  requestId?: string;
  /** May the same call succeed later? */
  isRetryable: boolean;
  /** For a retryable one: not before this many milliseconds. */
  retryAfterMs?: number;
  /** The cloud itself failed, or gave no whole answer: it may be away, for this call and for others. */
  isOutage?: boolean;
  /** The instances cannot take a command now (stopped, agent offline); nothing ran. */
  isUnavailable?: boolean;
}

/**
 * The honest outcome of a call with effects.
 * - `sent`: the vendor took it and named it
 * - `notSent`: it certainly has no effect; `failure` says why and whether to try again
 * - `unknown`: the answer was lost or the vendor failed inside: it may run. Reconcile before trying again.
 */
export type InvokeOutcome =
  | { kind: 'sent'; invocationId: string; requestId: string }
  | { kind: 'notSent'; failure: ProviderFailure }
  | { kind: 'unknown'; failure: ProviderFailure };

/** The state of one task as the vendor reports it, mapped to the common model. */
export interface TaskReport {
  invocationId: string;
  /** `invt-…`; a vendor that names no tasks (Alibaba) gets `<invocationId>/<instanceId>`. */
  taskId: string;
  instanceId: string;
  status: TaskStatus;
  /** The vendor's own word, verbatim. */
  providerStatus: string;
  started: Started;
  /** Absent when the command never started or the vendor gives none. */
  exitCode?: number;
  /** The bytes of stdout and stderr that the vendor kept, present when asked for and the task has ended. */
  output?: Uint8Array;
  /** Bytes that the vendor cut from the output. */
  outputDroppedBytes?: number;
  /** Where the provider has stored the whole output, when the run asked for that. */
  outputUrl?: string;
  /** It was to store the output, and did not; the command itself is not affected. */
  outputDeliveryError?: { code: string; message: string; advice: string };
  /** The task has ended, and its output is still being stored: wait for `outputUrl` or `outputDeliveryError`. */
  isOutputPending?: boolean;
  error?: { code: string; message: string; advice?: string };
  /** ISO 8601, UTC, by the instance's clock. */
  startedAt?: string;
  endedAt?: string;
}

export interface InvocationRef {
  region: string;
  invocationId: string;
  /** Those that it was sent to, where the caller knows them: a vendor may read many invocations by their instance. */
  instances?: readonly string[];
}

/** One invocation's tasks, or why they could not be read this time. `tasks` may be empty right after the start. */
export type InvocationReading =
  | { invocationId: string; kind: 'read'; tasks: readonly TaskReport[] }
  /** The vendor has answered, and has no such invocation: it may be too new to be listed, or its record is gone. */
  | { invocationId: string; kind: 'missing' }
  | { invocationId: string; kind: 'failed'; failure: ProviderFailure };

/** An invocation as a listing of the vendor has it. */
export interface ListedInvocation {
  invocationId: string;
  command: string;
  /** ISO 8601, by the vendor's clock; absent where it says none that can be read. */
  createdAt?: string;
  /** The token of ours that it carries; a vendor that takes none has none. */
  token?: string;
}

export interface InvocationPage {
  /** Those of others too; without what a schedule of the vendor started. */
  invocations: ListedInvocation[];
  /** Opaque; absent on the last page. */
  cursor?: string;
}

export type CancelOutcome =
  /** The vendor took the request; what becomes of each task is only known by reading it. */
  { kind: 'requested' } | { kind: 'failed'; failure: ProviderFailure };

/** Whether an instance can take a command now. */
export interface InstanceAvailability {
  instanceId: string;
  isAvailable: boolean;
  /** Why not: `agent offline`, `agent not installed`, … */
  reason?: string;
}

/** How the vendor tells an invocation from others that ask for the same, when the answer to its call was lost. */
export type Identity =
  /** The same token again is the same invocation, and `find` finds it by its token. */
  | { by: 'token' }
  /**
   * There is no token, and `find` can only compare. `of` gives the same text for every two invocations that `find`
   * could take for each other; dispatch has one run at a time in its attempt with one of them (lib/runs/twin.ts).
   */
  | { by: 'looks'; of: (invocation: Invocation) => string };

/** The clouds that are open, by name. */
export type Providers<Part = Provider> = Readonly<Record<ProviderName, Part>>;

/** @throws FleetReflexError `provider.unknown` (hold): a message or run of another version named it, or a mistake */
export function providerOf<Part>(providers: Providers<Part>, name: ProviderName): Part {
  const provider = Object.hasOwn(providers, name) ? providers[name] : undefined;
  if (provider !== undefined) return provider;
  throw new FleetReflexError(
    'provider.unknown',
    `The cloud \`${name}\` is not open here; open: ${Object.keys(providers).join(', ')}. Look whether another version of the functions named it.`,
    { disposition: 'hold', details: { provider: name } },
  );
}

/**
 * A cloud that runs commands.
 * @example
 * const provider = providerOf(providers, 'tencent');
 * const outcome = await provider.invoke(invocation);
 * if (outcome.kind === 'unknown') await provider.find(invocation, startedAt); // it may run: never just repeat it
 */
export interface Provider extends KeepingCommands {
  readonly name: ProviderName;
  readonly identity: Identity;
  /** The most instances one invocation takes (TAT 200, Cloud Assistant 100). */
  readonly maxInstancesPerInvocation: number;

  /** Cuts a run's instances into what one invocation each may hold: within the limit, and of one kind. */
  split(instances: readonly string[]): string[][];

  /** Whether an id has the form of this provider's instances (`ins-`, `lhins-`, `rins-`; `i-`, `mi-`). */
  isInstanceId(id: string): boolean;

  /** Makes one attempt, no retry of its own. Never throws for what the vendor or the network does. */
  invoke(invocation: Invocation): Promise<InvokeOutcome>;

  /**
   * The vendor's invocations that can only be this one: same command, instances and parameters, created since
   * `since`. Used after an attempt whose outcome is unknown. Throws FleetReflexError (`provider.*`, disposition
   * retry) when the vendor cannot be asked now.
   */
  find(invocation: Invocation, since: Date): Promise<string[]>;

  /**
   * Reads the tasks of many invocations in as few requests as the vendor allows, all pages, output only of
   * tasks that have ended. One reading for each ref, in any order. `wantsOutput(taskId)` lets the caller skip the
   * output of tasks that it has already settled.
   */
  read(
    refs: readonly InvocationRef[],
    options?: { wantsOutput?: (taskId: string) => boolean },
  ): Promise<InvocationReading[]>;

  /**
   * A page of what was invoked in the region since then, for sweeps: one request. Throws FleetReflexError (`provider.*`)
   * when the vendor cannot be asked now.
   */
  list(region: string, page: { since: Date; cursor?: string | undefined }): Promise<InvocationPage>;

  /** Asks the vendor to stop an invocation, all of it or some instances, in as many calls as its limit needs. */
  cancel(ref: InvocationRef, instances?: readonly string[]): Promise<CancelOutcome>;

  /** Asks which instances can take a command now. */
  availability(region: string, instances: readonly string[]): Promise<InstanceAvailability[]>;

  /**
   * The instances in the region that have all of these tags, each once: those too that are stopped, and none that are
   * being made or released. A listing that is not whole, or not certainly of these tags, is no answer. Absent where the
   * facts lack `fleetTags`.
   * @throws FleetReflexError `provider.*`: never an empty list in place of an error
   */
  instancesWithTags?(region: string, tags: Readonly<Record<string, string>>): Promise<string[]>;

  /** Requests made to the vendor since start, by action: the cost that the poller is measured by. */
  readonly requestCounts: Readonly<Record<string, number>>;
}
