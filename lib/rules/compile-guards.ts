/** Compiles the guards of a rule, those too that hold without a word in the file. */
import type { Compiling } from './compile-target.ts';
import { compileExpression, type Expression } from './expression.ts';
import type { Path } from './positions.ts';
import type { Guards, TargetTemplate } from './rule.ts';
import { GuardsSpec } from './schema/guards.ts';

/** What an event may ask for where it gives the instances and the file does not say. */
const EVENT_MAX_INSTANCES = 50;
const EVENT_MAX_INSTANCES_AN_HOUR = 500;

/** @returns undefined when something is wrong, which is among the problems then */
export function compileGuards(
  spec: GuardsSpec | undefined,
  target: Pick<TargetTemplate, 'fleet' | 'fleetChoice' | 'isInstancesFromEvent'> | undefined,
  path: Path,
  compiling: Compiling,
): Guards | undefined {
  const { freeze, dedupe, times, cooldown, maxInFlight, lock, maxInstances, maxPerHour, maxShare, breaker } =
    spec ?? GuardsSpec.parse({});
  const key = dedupe && compileKey(dedupe.key, [...path, 'dedupe', 'key'], compiling);
  if (dedupe !== undefined && key === undefined) return undefined;
  const timesKey = times && compileKey(times.key, [...path, 'times', 'key'], compiling);
  if (times !== undefined && timesKey === undefined) return undefined;
  const { isInstancesFromEvent = false } = target ?? {};
  const isOnFleet = target?.fleet !== undefined || target?.fleetChoice !== undefined;
  if (maxShare !== undefined && target !== undefined && !isOnFleet) {
    compiling.problems.add(
      [...path, 'maxShare'],
      'is a share of a fleet: write `fleet: …`, one of `fleets`, in place of provider and region',
    );
    return undefined;
  }
  const most = maxInstances ?? (isInstancesFromEvent ? EVENT_MAX_INSTANCES : undefined);
  const { runs, instances = isInstancesFromEvent ? EVENT_MAX_INSTANCES_AN_HOUR : undefined } = maxPerHour;
  return {
    ...(freeze !== undefined && { freeze }),
    ...(dedupe && key && { dedupe: { key, windowMs: dedupe.window } }),
    ...(times && timesKey && { times: { key: timesKey, count: times.count, withinMs: times.within } }),
    ...(cooldown !== undefined && { cooldownMs: cooldown.for }),
    ...(cooldown?.keep === 'last' && { cooldownKeep: cooldown.keep }),
    ...(maxInFlight !== undefined && { maxInFlight: maxInFlight.runs }),
    ...(maxInFlight !== undefined && maxInFlight.whenFull !== 'queue' && { whenFull: maxInFlight.whenFull }),
    ...(lock && { lock }),
    ...(most !== undefined && { maxInstances: most }),
    ...(maxShare !== undefined && { maxShare: { percent: Number.parseInt(maxShare, 10) } }),
    ...(breaker && { breaker: { failures: breaker.failures, resetMs: breaker.reset } }),
    maxPerHour: instances === undefined ? { runs } : { runs, instances },
  };
}

const KEY_TYPES: ReadonlySet<string> = new Set(['string', 'int', 'uint', 'double', 'bool', 'dyn']);

/** An expression, not a template: that a key is written `${…}` is a likely mistake. */
export function compileKey(text: string, path: Path, { kinds, problems }: Compiling): Expression | undefined {
  const inner = /^\$\{(.*)\}$/s.exec(text)?.[1];
  if (inner !== undefined) {
    problems.add(path, `expected an expression, came a template; write \`${inner}\``);
    return undefined;
  }
  const compiled = compileExpression(text, kinds);
  if (!compiled.ok) {
    problems.add(path, compiled.problem, compiled.offset);
    return undefined;
  }
  if (!KEY_TYPES.has(compiled.expression.type)) {
    problems.add(path, `expected a text or a number as key, \`${text}\` is ${compiled.expression.type}`);
    return undefined;
  }
  return compiled.expression;
}
