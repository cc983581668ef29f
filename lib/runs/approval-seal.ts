/**
 * What an approval is bound to: a hash of each part of what will run, the text of the stored command among them. The cloud
 * is read when it is asked for, and again before every call; what differs then voids the approval.
 */
import { createHash } from 'node:crypto';
import { FleetReflexError } from '../errors.ts';
import type { AskedApproval, Seal } from '../model/approval.ts';
import type { Reason } from '../model/completion-event.ts';
import type { Run } from '../model/run.ts';
import { shownParameters } from '../model/secret-parameters.ts';
import type { Target } from '../model/target.ts';
import { type Providers, providerOf } from '../providers/provider.ts';
import type { KeepingCommands, StoredCommand } from '../providers/stored-command.ts';
import type { Hindrance } from './waiting.ts';

/** Of a script that people see; longer ones are shown by `fleet-reflex plan`. */
const MAX_SCRIPT = 8_000;
/** How long until a cloud is asked again that did not say what the command is. */
const RETRY_MS = 15_000;

type Sealed = Pick<Run, 'rule' | 'target' | 'waves' | 'onUnavailable'>;

/** By what people call the parts. */
function sealOf({ rule, target, waves, onUnavailable }: Sealed, stored: StoredCommand): Seal {
  const { instances, parameters, secretParameters, username, workingDirectory, timeoutSeconds, options } =
    target ?? {};
  const { sizes, pauseMs, stopAfterFailures, onStop } = waves ?? {};
  const parts = {
    rule,
    provider: target?.provider,
    region: target?.region,
    command: target?.command,
    instances,
    parameters: { parameters, secretParameters },
    user: username,
    'working directory': workingDirectory,
    'time-out': timeoutSeconds,
    options: { options, onUnavailable },
    waves: { sizes, pauseMs, stopAfterFailures, onStop },
    'text of the stored command': stored.content,
    'settings of the stored command': stored.settings,
  };
  return Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, hashOf(part)]));
}

function hashOf(part: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(inOrder(part)) ?? '')
    .digest('base64url');
}

/** The table keeps no order of fields. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, field]) => [name, inOrder(field)]),
  );
}

export type ToApprove = Pick<AskedApproval, 'seal' | 'script' | 'scriptLength' | 'settings'>;

type Read<Value> = { kind: 'read'; value: Value } | { kind: 'unread'; hindrance: Hindrance };

/** What people are asked about, as the cloud has it now; undefined if there is no such command. */
export async function toApprove(
  run: Sealed,
  { providers }: { providers: Providers<KeepingCommands> },
): Promise<Read<ToApprove | undefined>> {
  const read = await readCommand(run.target, providers);
  if (read.kind === 'unread') return read;
  if (read.value === undefined) return { kind: 'read', value: undefined };
  const { script, settings } = read.value;
  const seal = sealOf(run, read.value);
  if (script.length <= MAX_SCRIPT) return { kind: 'read', value: { seal, script, settings } };
  const beginning = script.slice(0, MAX_SCRIPT).toWellFormed();
  return { kind: 'read', value: { seal, script: beginning, scriptLength: script.length, settings } };
}

/** Why a run may not be sent although it was approved: it is another one by now, or nobody can say. */
export async function breachOf(
  run: Run,
  { providers }: { providers: Providers<KeepingCommands> },
): Promise<Hindrance | undefined> {
  const { approval } = run;
  if (approval === undefined) return undefined;
  if (approval.asked === undefined || approval.verdict?.kind !== 'approved') {
    return final('approval.void', 'Nobody has approved it.', 'Tell the maintainers of fleet-reflex.');
  }
  const read = await readCommand(run.target, providers);
  if (read.kind === 'unread') return read.hindrance;
  if (read.value === undefined) {
    return final(
      'approval.void',
      'The stored command was removed after it was approved.',
      'Look at who removed it.',
    );
  }
  const now = sealOf(run, read.value);
  const { seal } = approval.asked;
  const changed = [...new Set([...Object.keys(seal), ...Object.keys(now)])].filter(
    (name) => seal[name] !== now[name],
  );
  if (changed.length === 0) return undefined;
  return final(
    'approval.void',
    `Changed after it was approved: the ${changed.join(', the ')}.`,
    'Look at who changed it.',
  );
}

async function readCommand(
  target: Target | undefined,
  providers: Providers<KeepingCommands>,
): Promise<Read<StoredCommand | undefined>> {
  if (target === undefined) return { kind: 'read', value: undefined };
  try {
    const shown = { ...target, parameters: shownParameters(target) };
    return { kind: 'read', value: await providerOf(providers, target.provider).storedCommand(shown) };
  } catch (thrown) {
    if (!(thrown instanceof FleetReflexError) || !thrown.code.startsWith('provider.')) throw thrown;
    if (thrown.code === 'provider.unknown') throw thrown;
    const reason: Reason = {
      code: 'approval.unread',
      message: `The cloud does not say what the stored command is: ${thrown.message}`,
      advice: 'It needs the permission for DescribeCommands.',
    };
    return { kind: 'unread', hindrance: { retryAfterMs: thrown.retryAfterMs ?? RETRY_MS, reason } };
  }
}

function final(code: string, message: string, advice: string): Hindrance {
  return { retryAfterMs: 0, reason: { code, message, advice }, isFinal: true };
}
