/**
 * Checks a run request again before it is carried out. Usually it was rendered from the rules, but any allowed sender of
 * the runs queue may have written it, and dispatch has the keys of the clouds
 * (docs/decisions/2026-11-21-requests-are-checked-again.md).
 */
import { FleetReflexError } from '../errors.ts';
import type { ApprovalTerms } from '../model/approval.ts';
import type { RenderedGuards, RunRequest } from '../model/run-request.ts';
import type { Target } from '../model/target.ts';
import { factsOf } from '../providers/registry.ts';
import { compilePattern } from '../regex/linear-match.ts';
import { compileOptions, refuseLacks } from '../rules/compile-options.ts';
import {
  DEFAULT,
  type Objection,
  objectToCommand,
  objectToCount,
  objectToInstance,
  objectToParameters,
  objectToRegion,
  objectToUsername,
  objectToValue,
  objectToWorkingDirectory,
} from '../rules/target-check.ts';

type TargetRequest = Extract<RunRequest, { action: 'run' | 'schedule' }>;

const DAY_MS = 86_400_000;
/** The limits of the rules file (lib/rules/schema/). */
const RULE_NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;
const MAX_DEADLINE_MS = DAY_MS;
const MAX_WINDOW_MS = 30 * DAY_MS;
const MAX_EXPIRES_MS = 7 * DAY_MS;
const MAX_IN_FLIGHT = 1000;
const MAX_INSTANCES = 10_000;
const MAX_KEY = 200;
const MAX_RECURRENCE = 200;
/** The largest accepted difference between the clocks of two functions. */
const CLOCKS_DIFFER_MS = 5 * 60_000;

/**
 * @throws FleetReflexError (hold) `parameters.unsafe`, `instances.invalid`, `region.invalid`, `command.invalid`,
 * `username.invalid`, `workingDirectory.invalid`, `request.invalid`: no rule asks for that
 */
export function checkRequest(runRequest: RunRequest, now: Date): void {
  const objection = objectTo(runRequest, now);
  if (objection === undefined) return;
  throw new FleetReflexError(
    objection.code,
    `A message of the runs queue asks for what no rule may ask for. ${objection.message}. Nothing was run. Look at who sent it: only the functions webhook and queue send there.`,
    { disposition: 'hold', details: { runId: runRequest.runId, rule: runRequest.rule } },
  );
}

function objectTo(runRequest: RunRequest, now: Date): Objection | undefined {
  const common = objectToCommon(runRequest, now);
  if (common !== undefined) return common;
  switch (runRequest.action) {
    case 'run':
      return (
        objectToTarget(runRequest) ??
        objectToGuards(runRequest.guards) ??
        objectToApproval(runRequest.approval) ??
        objectToDeadline(Date.parse(runRequest.deadline) - Date.parse(runRequest.requestedAt))
      );
    case 'schedule':
      return objectToTarget(runRequest) ?? objectToSchedule(runRequest);
    case 'cancel':
      return objectToRule(runRequest.targetRule ?? runRequest.rule) ?? objectToKey(runRequest.key);
    case 'judge':
    case 'reject':
      return undefined;
  }
}

function objectToCommon({ rule, requestedAt }: RunRequest, now: Date): Objection | undefined {
  const aheadMs = Date.parse(requestedAt) - now.getTime();
  if (aheadMs > CLOCKS_DIFFER_MS) return invalid(`\`requestedAt\` is ${requestedAt}, in the future`);
  return objectToRule(rule);
}

function objectToTarget(request: TargetRequest): Objection | undefined {
  const { target, patterns, taggedFleet } = request;
  const { provider, region, command, instances, parameters, username, workingDirectory } = target;
  const wrongInstance = instances.map((id) => objectToInstance(id, provider)).find(isObjection);
  return (
    objectToRegion(region) ??
    objectToCommand(command, provider) ??
    wrongInstance ??
    // Of a tagged fleet the cloud is asked, and none means all that it has.
    (taggedFleet !== undefined && instances.length === 0 ? undefined : objectToCount(instances.length)) ??
    objectToFleet(taggedFleet) ??
    (new Set(instances).size < instances.length ? invalid('`instances` has one twice') : undefined) ??
    objectToParameters(parameters, provider) ??
    objectToSecrets(target) ??
    objectToValues(target, patterns) ??
    (username === undefined ? undefined : objectToUsername(username)) ??
    objectToTimeout(target) ??
    (workingDirectory === undefined ? undefined : objectToWorkingDirectory(workingDirectory)) ??
    objectToOptions(target) ??
    objectToLacks(request)
  );
}

/** Without a tag, a fleet would be every instance of the region. */
function objectToFleet(fleet: TargetRequest['taggedFleet']): Objection | undefined {
  if (fleet === undefined) return undefined;
  const entries = Object.entries(fleet.tags);
  const isWhole = entries.length > 0 && entries.every(([key, value]) => key !== '' && value !== '');
  return isWhole ? undefined : invalid('`taggedFleet` has no tags, or one without a key or a value');
}

function objectToSecrets({ parameters, secretParameters = [] }: Target): Objection | undefined {
  const isKnown = secretParameters.every((name) => Object.hasOwn(parameters, name));
  return isKnown ? undefined : invalid('`secretParameters` has a name that `parameters` has not');
}

/** Checks each value against its pattern in the request; without one, against the default pattern. */
function objectToValues(
  { parameters, secretParameters = [] }: Target,
  patterns: TargetRequest['patterns'] = {},
): Objection | undefined {
  for (const [name, value] of Object.entries(parameters)) {
    const source = Object.hasOwn(patterns, name) ? patterns[name] : undefined;
    const compiled = source === undefined ? undefined : compilePattern(source);
    if (compiled?.ok === false) return invalid(`the pattern of \`${name}\` ${compiled.problem}`);
    const objection = objectToValue(
      name,
      value,
      compiled?.pattern ?? DEFAULT,
      undefined,
      secretParameters.includes(name),
    );
    if (objection !== undefined) return objection;
  }
  return undefined;
}

function objectToTimeout({ provider, timeoutSeconds }: Target): Objection | undefined {
  const { minTimeoutSeconds } = factsOf(provider);
  return timeoutSeconds === undefined || timeoutSeconds >= minTimeoutSeconds
    ? undefined
    : invalid(`\`timeoutSeconds\`: expected at least ${minTimeoutSeconds}, came ${timeoutSeconds}`);
}

function objectToGuards(guards: RenderedGuards): Objection | undefined {
  const { dedupe, times, breaker, cooldownMs = 0, maxInFlight = 0, maxInstances = 0 } = guards;
  const windows = [dedupe?.windowMs, times?.withinMs, breaker?.resetMs, cooldownMs];
  if (windows.some((ms = 0) => ms > MAX_WINDOW_MS)) {
    return invalid('`guards`: expected windows of at most 30 days');
  }
  if (maxInFlight > MAX_IN_FLIGHT || maxInstances > MAX_INSTANCES) {
    return invalid(`\`guards\`: expected maxInFlight to ${MAX_IN_FLIGHT}, maxInstances to ${MAX_INSTANCES}`);
  }
  return objectToKey(dedupe?.key) ?? objectToKey(times?.key);
}

/** Refuses what the rules file may not contain. */
function objectToOptions({ provider, options }: Target): Objection | undefined {
  const wrong: string[] = [];
  const add = (path: readonly unknown[], message: string) => wrong.push(`\`${path.join('.')}\`: ${message}`);
  compileOptions(options ?? {}, provider, 'us', [], { add, addAtKey: add });
  const [first] = wrong;
  return first === undefined ? undefined : invalid(first);
}

/** Refuses options that the cloud does not support. */
function objectToLacks(request: TargetRequest): Objection | undefined {
  const { provider, username, workingDirectory, timeoutSeconds: timeout } = request.target;
  const fleetTags = request.taggedFleet?.tags;
  const recurrence = request.action === 'schedule' ? request.recurrence : undefined;
  const wrong: string[] = [];
  const add = (path: readonly unknown[], lack: string) => wrong.push(`\`${path.join('.')}\`: ${lack}`);
  const given = { username, workingDirectory, timeout, recurrence, fleetTags };
  refuseLacks(given, factsOf(provider), 'us', [], { add });
  const [first] = wrong;
  return first === undefined ? undefined : invalid(first);
}

function objectToSchedule(runRequest: Extract<RunRequest, { action: 'schedule' }>): Objection | undefined {
  const { at, recurrence, execution, target } = runRequest;
  if ((at === undefined) === (recurrence === undefined)) return invalid('expected `at` or `recurrence`');
  if (recurrence !== undefined && recurrence.length > MAX_RECURRENCE) {
    return invalid(`\`recurrence\` has ${recurrence.length} characters`);
  }
  if (execution === undefined) {
    // The provider fires it, on instances that it must know then.
    if (runRequest.taggedFleet !== undefined) return invalid('`taggedFleet` without `execution`');
    // The provider fires it, and keeps its values for as long: earlier versions asked for that, and had no secrets.
    return target.secretParameters && invalid('`secretParameters` without `execution`');
  }
  return (
    objectToGuards(execution.guards) ??
    objectToApproval(execution.approval) ??
    objectToDeadline(execution.deadlineMs)
  );
}

function objectToApproval(terms: ApprovalTerms | undefined): Objection | undefined {
  return terms === undefined || terms.expiresMs <= MAX_EXPIRES_MS
    ? undefined
    : invalid('`approval`: expected at most 7 days');
}

function objectToDeadline(ms: number): Objection | undefined {
  return ms <= MAX_DEADLINE_MS ? undefined : invalid('the deadline is more than 24 hours away');
}

function objectToRule(name: string): Objection | undefined {
  return RULE_NAME.test(name) ? undefined : invalid('`rule` is no name of a rule');
}

function objectToKey(key: string | undefined): Objection | undefined {
  return key === undefined || key.length <= MAX_KEY
    ? undefined
    : invalid(`the key has ${key.length} characters`);
}

function isObjection(value: Objection | undefined): value is Objection {
  return value !== undefined;
}

function invalid(message: string): Objection {
  return { code: 'request.invalid', message };
}
