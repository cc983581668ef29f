/**
 * The instances of a run on a tagged fleet: the cloud is asked before anything of the run is sent, and what it said is
 * stored with the run, so that retries, waves and takeovers are for the same instances.
 */
import { FleetReflexError } from '../errors.ts';
import { releaseClaims } from '../guards/guards.ts';
import type { Reason } from '../model/completion-event.ts';
import { isTerminalRun, isUnresolved, type Run } from '../model/run.ts';
import { describeTags, type TaggedFleet } from '../model/tagged-fleet.ts';
import type { Target } from '../model/target.ts';
import type { FleetCache } from '../providers/fleet-cache.ts';
import { type Providers, providerOf } from '../providers/provider.ts';
import { factsOf } from '../providers/registry.ts';
import { objectToCount, objectToInstance, showValue } from '../rules/target-check.ts';
import type { DispatchContext, Step } from './dispatch-context.ts';
import { firstInstances, planInvocations, type Splitting } from './new-run.ts';
import { change, endRun } from './settle.ts';
import { isPast, waitFor } from './waiting.ts';

export type Choice =
  /** The run with its instances; not stored yet. */
  | { kind: 'chosen'; run: Run }
  | { kind: 'refused'; reason: Reason }
  /** The cloud could not be asked: again after that time. */
  | { kind: 'unread'; retryAfterMs: number; reason: Reason };

/** The cloud may answer in a moment … */
const RETRY_MS = 5_000;
/** … or once a person has mended what it refuses. */
const MEND_MS = 30_000;

/** The instances of a fleet on which a command is to run, or why there are none. */
export type Members =
  /** `size`: of the whole fleet. */
  | { kind: 'members'; instances: readonly string[]; size: number; at: Date }
  | Exclude<Choice, { kind: 'chosen' }>;

/**
 * @param target its instances: those of the fleet that are meant; none means all
 * @param mayLack instances that have left the fleet are left out, if there are others
 */
export async function readMembers(
  fleet: TaggedFleet,
  meant: Target,
  fleets: FleetCache,
  mayLack = false,
): Promise<Members> {
  try {
    const { instances: found, at } = await fleets.read(fleet, meant);
    const target = mayLack ? withoutGone(meant, found) : meant;
    const reason = whyNot(fleet, target, found);
    if (reason !== undefined) return { kind: 'refused', reason };
    const instances = target.instances.length === 0 ? found : target.instances;
    return { kind: 'members', instances, size: found.length, at };
  } catch (thrown) {
    if (!(thrown instanceof FleetReflexError) || !thrown.code.startsWith('provider.')) throw thrown;
    const mayPass = thrown.disposition === 'retry';
    return {
      kind: 'unread',
      retryAfterMs: thrown.retryAfterMs ?? (mayPass ? RETRY_MS : MEND_MS),
      reason: {
        code: 'fleet.unread',
        message: `Which instances ${describeFleet(fleet, meant)} has could not be read: ${thrown.message}`,
        advice: 'It asks again, up to its deadline.',
      },
    };
  }
}

function withoutGone(meant: Target, found: readonly string[]): Target {
  const members = new Set(found);
  const instances = meant.instances.filter((instanceId) => members.has(instanceId));
  return instances.length === 0 ? meant : { ...meant, instances };
}

/** @returns `chosen` with the same run where there is nothing to ask */
export async function chooseInstances(
  run: Run,
  { fleets, providers }: { fleets: FleetCache; providers: Providers<Splitting> },
): Promise<Choice> {
  const { taggedFleet, target } = run;
  if (taggedFleet === undefined || target === undefined || !isUnresolved(run)) return { kind: 'chosen', run };
  // By the time that a rollout is resumed, an autoscaled fleet has other instances.
  const members = await readMembers(taggedFleet, target, fleets, run.resumes !== undefined);
  if (members.kind !== 'members') return members;
  const chosen = withInstances(run, members, providerOf(providers, target.provider));
  return {
    kind: 'chosen',
    run: { ...chosen, taggedFleet: { ...taggedFleet, readAt: members.at.toISOString() } },
  };
}

/** Stores the choice for a stored run that this process works at, or why there is none. */
export async function concludeChoice(run: Run, choice: Choice, context: DispatchContext): Promise<Step> {
  switch (choice.kind) {
    case 'chosen':
      return { kind: 'next', run: await storeChoice(run, choice.run, context) };
    case 'refused': {
      const { runId, rule } = run;
      context.log.info('run.stopped', { runId, rule, guard: choice.reason.code });
      await releaseClaims(run, context.guards);
      return { kind: 'done', run: await endRun(run, 'rejected', choice.reason, context) };
    }
    case 'unread':
      return await waitFor(run, choice, context);
  }
}

/** Before the guards of an attempt. One that was cancelled or is too late is not asked for. */
export async function resolveFleet(run: Run, context: DispatchContext): Promise<Step> {
  if (!isUnresolved(run) || run.cancelRequestedAt !== undefined || isPast(run, context.now())) {
    return { kind: 'next', run };
  }
  return await concludeChoice(run, await chooseInstances(run, context), context);
}

async function storeChoice(run: Run, chosen: Run, { store }: DispatchContext): Promise<Run> {
  if (chosen === run) return run;
  const { target, invocations, guards, taggedFleet } = chosen;
  return await change(store, run, (current) =>
    isTerminalRun(current) || !isUnresolved(current)
      ? undefined
      : { ...current, target, invocations, guards, taggedFleet, waitingFor: undefined },
  );
}

function withInstances(
  run: Run,
  { instances, size }: Extract<Members, { kind: 'members' }>,
  provider: Splitting,
): Run {
  const target = run.target && { ...run.target, instances: [...instances] };
  const { maxShare } = run.guards;
  const guards = maxShare ? { ...run.guards, maxShare: { ...maxShare, size } } : run.guards;
  const invocations = planInvocations(run.runId, firstInstances({ ...run, target }), provider);
  return { ...run, target, guards, invocations };
}

function whyNot(fleet: TaggedFleet, target: Target, found: readonly string[]): Reason | undefined {
  const named = describeFleet(fleet, target);
  if (found.length === 0) {
    const { title, fleetTags } = factsOf(target.provider);
    return {
      code: 'fleet.empty',
      message: `${named} has no instance: ${title} lists none there with these tags.`,
      advice: `Look whether the instances have these tags, and are in ${target.region}.${fleetTags === undefined ? '' : ` ${fleetTags.ifEmpty}`} Then ask for the run again.`,
    };
  }
  const members = new Set(found);
  const outside = target.instances.find((id) => !members.has(id));
  if (outside !== undefined) {
    return {
      code: 'instances.not-in-fleet',
      message: `\`instances\`: ${showValue(outside)} is not in ${named}, which has ${found.length} instances now.`,
      advice: 'Give it the tags, if it is meant; a new instance is seen after FLEET_CACHE_SECONDS.',
    };
  }
  const strange = found.map((id) => objectToInstance(id, target.provider)).find((one) => one !== undefined);
  const objection = strange ?? objectToCount((target.instances.length > 0 ? target.instances : found).length);
  return objection && { code: objection.code, message: `${named}: ${objection.message}.` };
}

/** `the fleet web (role=web in ap-guangzhou)` */
export function describeFleet({ name, tags }: TaggedFleet, { region }: Pick<Target, 'region'>): string {
  return `the fleet ${name} (${describeTags(tags)} in ${region})`;
}
