/** What stands between a run of a simulation and its send: its fleet, the guards, the locks. */
import { frozenBy } from '../guards/freeze.ts';
import { ADMITTED, type Admission, type Verdict } from '../guards/guard.ts';
import { admit, untilThawed } from '../guards/guards.ts';
import { lockInstances } from '../guards/lock.ts';
import { after } from '../model/after.ts';
import type { Reason } from '../model/completion-event.ts';
import { instancesOf, type Run } from '../model/run.ts';
import type { FleetCache } from '../providers/fleet-cache.ts';
import { type Providers, providerOf } from '../providers/provider.ts';
import { chooseInstances } from '../runs/choose-instances.ts';
import { planInvocations, type Splitting } from '../runs/new-run.ts';
import type { GuardStore } from '../store/guard-store.ts';
import type { Live } from './happening.ts';
import { standIn } from './tagged-fleets.ts';

/** Longer than any run takes. */
const NEVER_MS = 365 * 86_400_000;

export interface AdmissionParts {
  store: GuardStore;
  now: () => Date;
  providers: Providers<Splitting>;
  fleets: FleetCache | undefined;
}

/** What dispatch does before the guards: lib/runs/choose-instances.ts. @returns why there are no instances */
export async function resolveFleet(
  one: Live,
  { fleets, providers, now }: AdmissionParts,
): Promise<Reason | undefined> {
  if (fleets === undefined) {
    one.run = standIn(one.run, now());
    return undefined;
  }
  const choice = await chooseInstances(one.run, { fleets, providers });
  if (choice.kind !== 'chosen') return choice.reason;
  one.run = choice.run;
  const { target = one.request.target } = choice.run;
  one.request = { ...one.request, target };
  return undefined;
}

/** A run that waits for an instance has passed the other guards, and holds no instance. */
export async function admitAndLock(one: Live, { store, now, providers }: AdmissionParts): Promise<Verdict> {
  const context = { store, now: now() };
  const isIn = one.run.admittedAt !== undefined;
  const admission = isIn ? await unlessFrozen(one.run, context) : await admit(one.run, context);
  if (admission.kind !== 'admitted') return admission;
  one.run = { ...one.run, admittedAt: now().toISOString() };
  // Each run gives back at its end: no lock has to run out. A rehearsal knows no waves: all is taken for the whole time.
  const until = after(now(), NEVER_MS);
  const { runId, target } = one.run;
  const provider = providerOf(providers, target?.provider ?? one.request.target.provider);
  const whole = { ...one.run, invocations: planInvocations(runId, instancesOf(one.run), provider) };
  return await lockInstances(whole, { ...context, until, leftBy: async () => [] });
}

async function unlessFrozen(
  { guards }: Run,
  { store, now }: { store: GuardStore; now: Date },
): Promise<Admission> {
  const frozen = await frozenBy(guards, await store.freeze(now), now);
  return frozen === undefined ? ADMITTED : { kind: 'wait', ...untilThawed(frozen, now) };
}
