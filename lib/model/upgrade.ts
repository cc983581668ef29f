/**
 * Run requests and runs of version 1, in the form of version 2. In version 1 the fields of the target stood beside the
 * others. Used where messages and items are parsed: a message lives for 14 days, a run for as long as the table keeps it.
 */
import * as z from 'zod';

const WHERE = ['provider', 'region', 'command'] as const;
const BASE = [...WHERE, 'instances', 'parameters', 'secretParameters', 'username'] as const;
const SETTINGS = ['timeoutSeconds', 'workingDirectory', 'options'] as const;

const Fields = z.record(z.string(), z.unknown());
type Fields = z.infer<typeof Fields>;

const Earlier = z.looseObject({ version: z.literal(1) }).refine((value) => !Object.hasOwn(value, 'target'));

/** Anything but a run request of version 1 is returned unchanged; the schema checks it. */
export function upgradeRunRequest(value: unknown): unknown {
  const earlier = Earlier.safeParse(value);
  if (!earlier.success) return value;
  switch (earlier.data['action']) {
    case 'run': {
      const [target, rest] = take(earlier.data, [...BASE, ...SETTINGS]);
      return { ...rest, version: 2, target };
    }
    case 'schedule': {
      const [target, { execution, ...rest }] = take(earlier.data, BASE);
      const how = Fields.safeParse(execution);
      if (!how.success) return { ...rest, execution, version: 2, target };
      const [settings, others] = take(how.data, SETTINGS);
      return { ...rest, execution: others, version: 2, target: { ...target, ...settings } };
    }
    case 'reject': {
      const [target, rest] = take(earlier.data, WHERE);
      return { ...rest, version: 2, ...(Object.keys(target).length > 0 && { target }) };
    }
    default:
      return value;
  }
}

/** Anything but a run of version 1 is returned unchanged. */
export function upgradeRun(value: unknown): unknown {
  const earlier = Earlier.safeParse(value);
  if (!earlier.success) return value;
  const [target, rest] = take(earlier.data, [...BASE, ...SETTINGS]);
  const { instances, ...known } = target;
  const run = { ...rest, version: 2 };
  if (Array.isArray(instances) && instances.length > 0) return { ...run, target };
  // A cancel has no target, and a refused match has only the known part.
  const [refusedTarget] = take(known, WHERE);
  return Object.keys(refusedTarget).length > 0 ? { ...run, refusedTarget } : run;
}

/** @returns the fields of these names that are there, and the others */
function take(fields: Fields, names: readonly string[]): [taken: Fields, others: Fields] {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  const isTaken = ([name]: [string, unknown]) => names.includes(name);
  return [
    Object.fromEntries(entries.filter(isTaken)),
    Object.fromEntries(entries.filter((entry) => !isTaken(entry))),
  ];
}
