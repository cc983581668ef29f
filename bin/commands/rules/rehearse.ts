/** Asks the clouds what would run, and runs nothing: for `rules test --rehearse`. */
import { CloudsConfig, readConfig } from '../../../lib/config.ts';
import type { Reason } from '../../../lib/model/completion-event.ts';
import { printable } from '../../../lib/model/printable.ts';
import type { RunRequest } from '../../../lib/model/run-request.ts';
import { HIDDEN, type WithSecrets } from '../../../lib/model/secret-parameters.ts';
import { fleetCache } from '../../../lib/providers/fleet-cache.ts';
import { providerOf } from '../../../lib/providers/provider.ts';
import { type Rehearsal, wouldRun } from '../../../lib/providers/rehearsal.ts';
import { type Members, readMembers } from '../../../lib/runs/choose-instances.ts';
import { closeProviders, providersOf } from '../../../lib/wiring/providers.ts';

type Providers = Awaited<ReturnType<typeof providersOf>>;

/** @returns what the work returns; the connections are closed then */
export async function withClouds<Result>(work: (providers: Providers) => Promise<Result>): Promise<Result> {
  const providers = await providersOf(readConfig(CloudsConfig));
  try {
    return await work(providers);
  } finally {
    await closeProviders(providers);
  }
}

/** @returns one for each call that the run would be cut into; undefined for what runs no command */
export async function rehearse(request: RunRequest, providers: Providers): Promise<Rehearsal[] | undefined> {
  if (request.action !== 'run' && request.action !== 'schedule') return undefined;
  const members = await membersOf(request, providers);
  if (members.kind !== 'members') return [unresolved(members.reason)];
  const target = {
    ...request.target,
    instances: [...members.instances],
    parameters: withStandIns(request.target),
  };
  const { split, rehearse: ask } = providerOf(providers, target.provider);
  if (ask === undefined) return [unrehearsed(target)];
  const rehearsals = await Promise.all(
    split(target.instances).map((instances) =>
      ask({ token: 'rehearsal', target: { ...target, instances }, labels: {} }),
    ),
  );
  return rehearsals.map(shown);
}

/** Of a tagged fleet, as the cloud has it now. */
export async function membersOf(
  { target, taggedFleet }: Extract<RunRequest, { action: 'run' | 'schedule' }>,
  providers: Providers,
): Promise<Members> {
  const now = () => new Date();
  if (taggedFleet === undefined) {
    return { kind: 'members', instances: target.instances, size: target.instances.length, at: now() };
  }
  return await readMembers(taggedFleet, target, fleetCache({ providers, maxAgeMs: 0, now }));
}

function unresolved({ code, message, advice = '' }: Reason): Rehearsal {
  return {
    settings: {},
    refusal: { code, message, advice },
    instances: [],
    unchecked: 'Nothing else was looked at',
  };
}

function unrehearsed({ provider, instances }: { provider: string; instances: readonly string[] }): Rehearsal {
  const reason = `${provider} cannot say what a command would do`;
  return {
    settings: {},
    refusal: {
      code: 'Unsupported',
      message: reason,
      advice: 'Try the rule on one instance that may be touched.',
    },
    instances: instances.map((instanceId) => ({ instanceId, wouldRun: false, reason })),
    unchecked: 'Nothing was looked at',
  };
}

/** The placeholder of a secret, which a rehearsal does not need. */
const STAND_IN = 'fleet-reflex-secret';

function withStandIns({ parameters, secretParameters = [] }: WithSecrets): Record<string, string> {
  const standIns = secretParameters.map((name) => [name, STAND_IN] as const);
  return { ...parameters, ...Object.fromEntries(standIns) };
}

function shown({ content, ...rest }: Rehearsal): Rehearsal {
  return {
    ...rest,
    ...(content !== undefined && {
      content: { ...content, text: content.text.replaceAll(STAND_IN, HIDDEN) },
    }),
  };
}

/** For a terminal. */
export function rehearsalLines(rehearsals: readonly Rehearsal[]): string[] {
  const [first] = rehearsals;
  if (first === undefined) return [];
  const verdict = rehearsals.every(wouldRun) ? 'all of it would run' : 'not all of it would run';
  const { settings, content, unchecked } = first;
  const settingsText = Object.entries(settings).map(([name, value]) => `${name} ${value}`);
  const filledIn = content?.filledInBy === 'vendor' ? 'by the cloud' : 'here, by the rules of the cloud';
  return [
    `rehearsal ${verdict}; nothing was run`,
    ...(settingsText.length === 0 ? [] : [`          ${printable(settingsText.join(', '))}`]),
    ...(content === undefined ? [] : [`          the script, its values filled in ${filledIn}:`]),
    ...(content?.text.replace(/\n$/, '').split('\n') ?? []).map((line) => `          | ${printable(line)}`),
    ...rehearsals.flatMap(({ refusal, instances }) => [
      ...(refusal === undefined
        ? []
        : [
            `          REFUSED   ${refusal.code}: ${printable(refusal.message)}`,
            `                    ${printable(refusal.advice)}`,
          ]),
      ...instances.map(({ instanceId, wouldRun: isFine, reason, advice }) =>
        isFine
          ? `          ${instanceId}: would run`
          : `          ${instanceId}: would not run: ${printable(reason ?? 'unknown')}${advice === undefined ? '' : ` ${printable(advice)}`}`,
      ),
    ]),
    `          (${unchecked}.)`,
  ];
}
