/** Plays cases in the order of time, on one memory of the guards, and says where what came differs. */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { FleetReflexError, messageOf } from '../../../../lib/errors.ts';
import type { DoorOutcome } from '../../../../lib/model/decision.ts';
import { TriggerEvent } from '../../../../lib/model/trigger-event.ts';
import { unknownName } from '../../../../lib/rules/did-you-mean.ts';
import type { Path } from '../../../../lib/rules/positions.ts';
import { collectProblems } from '../../../../lib/rules/problems.ts';
import type { Happening } from '../../../../lib/simulation/happening.ts';
import { type Simulation, simulation } from '../../../../lib/simulation/simulation.ts';
import { writtenFleets } from '../../../../lib/simulation/tagged-fleets.ts';
import { SOURCES } from '../../../../lib/sources/registry.ts';
import { SPLITS } from '../../../splits.ts';
import { type ReadEvents, toEvents } from '../read-events.ts';
import { compare } from './compare.ts';
import type { Cases } from './read.ts';
import type { Case } from './schema.ts';

export interface Played {
  name: string;
  line: number;
  /** `file:line:column: …` for each difference; empty where all is as expected. */
  problems: readonly string[];
}

interface Delivered {
  happenings: readonly Happening[];
  outcomes: readonly DoorOutcome[];
  ignored?: string;
  failure?: { path: Path; message: string };
}

/** The time of a case that names none, of an event that has none: a Monday. */
const FIRST = new Date('2026-01-05T09:00:00Z');

export async function playCases(cases: Cases): Promise<Played[]> {
  const { given, ruleSet } = cases;
  const known: Record<string, readonly string[]> = { ...given.fleets };
  const fleets = writtenFleets(known, ({ name }) => `write what it has as \`fleets: { ${name}: [ins-…] }\``);
  const world = simulation({ ruleSet, providers: SPLITS, fleets, start: new Date(0) });
  const delivered: Delivered[] = [];
  for (const [index, one] of given.cases.entries()) {
    Object.assign(known, one.fleets);
    delivered.push(await deliver(index, cases, world));
  }
  await world.settle();
  return delivered.map((it, index) => judge(it, index, cases));
}

async function deliver(index: number, cases: Cases, world: Simulation): Promise<Delivered> {
  const from = world.happened.length;
  const one = cases.given.cases[index];
  if (one === undefined) return { happenings: [], outcomes: [] };
  const earliest = index === 0 ? FIRST : world.now();
  const asked = one.at !== undefined ? new Date(one.at) : new Date(earliest.getTime() + (one.after ?? 0));
  const nothing = { happenings: [], outcomes: [] };
  if (asked < world.now()) {
    const message = `the case before it comes at ${world.now().toISOString()}; cases are in the order of time`;
    return { ...nothing, failure: { path: ['at'], message } };
  }
  try {
    const read = one.event === undefined ? undefined : await eventsOf(one, index, asked, cases);
    const at = timeOf(one, asked, read);
    await world.advance(at);
    if (one.frozen !== undefined) await world.freeze(one.frozen);
    const unasked = await judgeAll(one, world);
    if (unasked !== undefined) return { ...nothing, failure: unasked };
    const fate = { takesMs: one.takes ?? cases.given.takes, ends: one.ends };
    const fired = cases.ruleSet.schedules.find(({ name }) => name === one.fires);
    if (fired !== undefined) await world.fire(fired, fate);
    const outcomes = read?.kind === 'events' ? await world.deliver({ ...read, ...fate }) : [];
    return {
      happenings: world.happened.slice(from),
      outcomes,
      ...(read?.kind === 'ignored' && { ignored: read.because }),
    };
  } catch (thrown) {
    if (!(thrown instanceof FleetReflexError)) throw thrown;
    return { ...nothing, failure: { path: ['event'], message: messageOf(thrown) } };
  }
}

/** What a second person says of the runs that wait. @returns the difference, where none does */
async function judgeAll(
  { approve, deny }: Case,
  world: Simulation,
): Promise<NonNullable<Delivered['failure']> | undefined> {
  const asked = [
    { path: 'approve', rule: approve, kind: 'approved' },
    { path: 'deny', rule: deny, kind: 'denied' },
  ] as const;
  for (const { path, rule, kind } of asked) {
    if (rule === undefined || (await world.judge(rule, kind)) > 0) continue;
    return { path: [path], message: `no run of \`${rule}\` waits for approval here` };
  }
  return undefined;
}

/** Where the case names none: that of the event, if it is not before the case before. */
function timeOf({ at, after }: Case, asked: Date, read: ReadEvents | undefined): Date {
  if (at !== undefined || after !== undefined || read?.kind !== 'events') return asked;
  return new Date(Math.max(asked.getTime(), ...read.events.map(({ time }) => Date.parse(time))));
}

async function eventsOf(
  { event, source }: Case,
  index: number,
  now: Date,
  { fileName, ruleSet }: Cases,
): Promise<ReadEvents> {
  const option = '`source`';
  if (typeof event !== 'string') {
    const made = completed(event, { source, id: `case-${index + 1}`, time: now.toISOString() });
    if (made !== undefined) return { kind: 'events', events: [checked(made)], origin: {} };
    const body = JSON.stringify(event);
    return toEvents(event, { body, file: '', sourceName: source, option }, ruleSet.sources, now);
  }
  const file = join(dirname(fileName), event);
  const body = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new FleetReflexError('event.missing', `There is no file ${file} that can be read.`, { cause });
  });
  return toEvents(parse(body, file), { body, file, sourceName: source, option }, ruleSet.sources, now);
}

function parse(body: string, file: string): unknown {
  try {
    const value: unknown = JSON.parse(body);
    return value;
  } catch (cause) {
    throw new FleetReflexError('event.invalid', `${file}: expected JSON: ${messageOf(cause)}`, { cause });
  }
}

/** A trigger event of which only `kind` and `data` are written; undefined for what is none. */
function completed(
  event: unknown,
  made: { source: string | undefined; id: string; time: string },
): object | undefined {
  if (typeof event !== 'object' || event === null || !('kind' in event && 'data' in event)) return undefined;
  const { kind, data } = event;
  const isAlert = kind === 'alert' && typeof data === 'object' && data !== null;
  if (!isAlert) return { specversion: '1.0', type: `${String(kind)}.received`, ...made, ...event };
  const status = 'status' in data ? String(data.status) : 'firing';
  const name = 'name' in data ? String(data.name) : '';
  return {
    specversion: '1.0',
    type: `alert.${status}`,
    subject: name,
    ...made,
    ...event,
    data: { status, labels: {}, annotations: {}, fingerprint: name, ...data },
  };
}

function checked(made: object): TriggerEvent {
  const event = TriggerEvent.safeParse(made);
  if (!event.success) {
    const wrong = z.prettifyError(event.error).replaceAll('\n', ' ');
    throw new FleetReflexError('event.invalid', `This is no trigger event. ${wrong}`);
  }
  const { source } = event.data;
  if (SOURCES.has(source)) return event.data;
  throw new FleetReflexError('event.invalid', unknownName('source', source, [...SOURCES.keys()]));
}

function judge({ failure, happenings, ...came }: Delivered, index: number, cases: Cases): Played {
  const { file, fileName, given } = cases;
  const one = given.cases[index];
  const path = ['cases', index];
  const problems = collectProblems(file);
  if (one !== undefined) {
    const effects = happenings.flatMap(({ effect }) => effect ?? []);
    const differences = failure === undefined ? compare(one.expect, { ...came, effects }) : [failure];
    for (const { path: below, message } of differences) problems.add([...path, ...below], message);
  }
  return {
    name: one?.name ?? '',
    line: file.at(path).line,
    problems: problems.found.map(({ line, column, message }) => `${fileName}:${line}:${column}: ${message}`),
  };
}
