/**
 * Parameters that a rule marks as secret. Only the provider gets their values; people, logs and queues of events get `•••`.
 * In case a command prints one, published outputs are searched for it
 * (docs/decisions/2026-11-21-secret-parameters.md).
 */
import type { FollowUp, RenderedGuards, RunRequest } from './run-request.ts';
import type { Target } from './target.ts';

/** Replaces a secret wherever parameters are shown, and in the table after the end of the run. */
export const HIDDEN = '•••';

/** A shorter value would occur in texts by chance. */
const MIN_LENGTH = 6;
/** This much of a value at the edge of a cut output is recognised. */
const MIN_PART = 3;

export interface WithSecrets {
  parameters: Readonly<Record<string, string>>;
  /** Their names. */
  secretParameters?: readonly string[] | undefined;
}

const NONE: WithSecrets = { parameters: {} };

/** The parameters as people see them. */
export function shownParameters({
  parameters,
  secretParameters = [],
}: WithSecrets = NONE): Record<string, string> {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [
      name,
      secretParameters.includes(name) ? HIDDEN : value,
    ]),
  );
}

/** What a request asks for, as people see it. */
export function shownRequest(runRequest: RunRequest): RunRequest {
  if (runRequest.action !== 'run' && runRequest.action !== 'schedule') return runRequest;
  const target = shownTarget(runRequest.target);
  const followUps = shownFollowUps(runRequest.followUps);
  const shown = { ...runRequest, target, ...(followUps && { followUps }) };
  if (shown.action === 'run') return { ...shown, guards: shownGuards(runRequest.target, shown) };
  const { execution } = shown;
  if (execution === undefined) return shown;
  return { ...shown, execution: { ...execution, guards: shownGuards(runRequest.target, execution) } };
}

/** What may follow a run, as people see it. */
export function shownFollowUps(followUps: readonly FollowUp[] | undefined): FollowUp[] | undefined {
  return followUps?.map(shownFollowUp);
}

function shownFollowUp({ asks, followUps, ...followUp }: FollowUp): FollowUp {
  return {
    ...followUp,
    asks:
      asks.action === 'reject'
        ? asks
        : { ...asks, target: shownTarget(asks.target), guards: shownGuards(asks.target, asks) },
    ...(followUps && { followUps: shownFollowUps(followUps) }),
  };
}

/** The fields of a run that may contain a secret, as they are stored after its end. */
export function forgetSecrets({ target, guards }: { target?: Target | undefined; guards: RenderedGuards }) {
  return { target: target && shownTarget(target), guards: shownGuards(target, { guards }) };
}

function shownTarget(target: Target): Target {
  return { ...target, parameters: shownParameters(target) };
}

/** A rule may have made its key from a secret. */
function shownGuards(of: WithSecrets | undefined, { guards }: { guards: RenderedGuards }): RenderedGuards {
  const { dedupe, times } = guards;
  return {
    ...guards,
    ...(dedupe && { dedupe: { ...dedupe, key: conceal(of, dedupe.key) } }),
    ...(times && { times: { ...times, key: conceal(of, times.key) } }),
  };
}

/** A text (a vendor's message, a line for a terminal) without the values of secrets. */
export function conceal(of: WithSecrets | undefined, text: string): string {
  return formsOf(of).reduce((concealed, form) => concealed.replaceAll(form, HIDDEN), text);
}

/** A reason without the values of secrets. */
export function concealReason<Reason extends { message: string; advice?: string | undefined }>(
  of: WithSecrets | undefined,
  reason: Reason,
): Reason {
  const { message, advice } = reason;
  return {
    ...reason,
    message: conceal(of, message),
    ...(advice !== undefined && { advice: conceal(of, advice) }),
  };
}

/**
 * What a command printed, without the values of secrets.
 * @param isCut bytes are missing, at its beginning or its end: a value may have been cut with them
 */
export function concealOutput(of: WithSecrets | undefined, output: Uint8Array, isCut: boolean): Uint8Array {
  const forms = formsOf(of).map((form) => Buffer.from(form).toString('latin1'));
  if (forms.length === 0) return output;
  const hidden = Buffer.from(HIDDEN).toString('latin1');
  // One character a byte: what is no UTF-8 stays as it is.
  const text = Buffer.from(output).toString('latin1');
  const whole = forms.reduce((concealed, form) => concealed.replaceAll(form, hidden), text);
  const concealed = isCut ? forms.reduce((cut, form) => withoutParts(cut, form, hidden), whole) : whole;
  return concealed === text ? output : Buffer.from(concealed, 'latin1');
}

function withoutParts(text: string, form: string, hidden: string): string {
  let rest = text;
  for (let length = form.length - 1; length >= MIN_PART; length -= 1) {
    if (rest.endsWith(form.slice(0, length))) rest = `${rest.slice(0, -length)}${hidden}`;
    if (rest.startsWith(form.slice(-length))) rest = `${hidden}${rest.slice(length)}`;
  }
  return rest;
}

/** Plain, JSON-escaped and URL-encoded; the longest first, because one may contain another. */
function formsOf({ parameters, secretParameters = [] }: WithSecrets = NONE): string[] {
  const values = secretParameters.flatMap((name) =>
    Object.hasOwn(parameters, name) ? (parameters[name] ?? []) : [],
  );
  const forms = values.flatMap((value) => [
    value,
    value.trim(),
    JSON.stringify(value).slice(1, -1),
    encodeURIComponent(value.toWellFormed()),
  ]);
  return [...new Set(forms)].filter(({ length }) => length >= MIN_LENGTH).sort((a, b) => b.length - a.length);
}
