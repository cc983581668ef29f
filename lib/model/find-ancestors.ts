/**
 * Finds the runs that led to an event. Our completion event names them. A forwarded one (by another source, SNS,
 * EventBridge or another queue) contains it somewhere inside, and a GitHub deployment status names it in a sentence. So
 * every event is searched, not only those of the source `fleet-reflex`.
 */
import * as z from 'zod';
import { type Ancestor, Ancestor as AncestorSchema, MAX_ANCESTORS } from './chain.ts';
import type { TriggerEvent } from './trigger-event.ts';

/** The `data` of a completion event, wherever it stands. */
const OwnData = z.looseObject({
  ...AncestorSchema.shape,
  status: z.string(),
  ancestry: z.unknown().optional(),
});
/** A list that is too long was not made by us; it is cut, not refused. */
const Ancestry = z.array(AncestorSchema).catch([]);

/** The sentence of a deployment's status: lib/sources/github/deployment-reply.ts. */
const STATUS_TEXT = /^([a-z0-9][a-z0-9-]{0,62}) \((run-[a-z2-7]{26})\): /;
const BASE64 = /^[A-Za-z0-9+/_-]{64,}={0,2}$/;

/** Bounds of the search in all events of a request: a forwarder wraps an event a few times, and no more. */
const MAX_NODES = 200_000;
const MAX_DEPTH = 24;
const MAX_TEXT = 4 * 1024 * 1024;
const MAX_LINES = 100;
/** No completion event is as short. */
const MIN_TEXT = 64;

/** A line for each run that an event tells of, oldest ancestor first. */
export type Lines = readonly (readonly Ancestor[])[];

const NONE: Lines = [];

/**
 * One search for all events of a delivered request: shared parts (the group of an alert) are searched once, for any number
 * of events and rules.
 * @returns a function that finds the runs that led to an event; none for a command of a person
 */
export function ancestorSearch(): (event: TriggerEvent) => Lines {
  const objects = new Map<object, Lines>();
  const texts = new Map<string, Lines>();
  let parsed = 0;

  const look = (value: unknown, depth: number): Lines => {
    if (depth > MAX_DEPTH) return NONE;
    if (typeof value === 'string') return lookInText(value, depth);
    if (typeof value !== 'object' || value === null) return NONE;
    const known = objects.get(value);
    if (known !== undefined || objects.size >= MAX_NODES) return known ?? NONE;
    objects.set(value, NONE);
    const own = Array.isArray(value) ? undefined : ownLine(value);
    const found = own === undefined ? lookInAll(Object.values(value), depth + 1) : [own];
    objects.set(value, found);
    return found;
  };

  const lookInAll = (values: readonly unknown[], depth: number): Lines => {
    const found = values.flatMap((value) => look(value, depth));
    return found.length === 0 ? NONE : found.slice(0, MAX_LINES);
  };

  const lookInText = (text: string, depth: number): Lines => {
    const [, rule, runId] = STATUS_TEXT.exec(text) ?? [];
    if (rule !== undefined && runId !== undefined) return [[{ rule, runId }]];
    if (text.length < MIN_TEXT) return NONE;
    const known = texts.get(text);
    if (known !== undefined || parsed + text.length > MAX_TEXT) return known ?? NONE;
    parsed += text.length;
    texts.set(text, NONE);
    const inner = /^\s*[[{]/.test(text) ? parse(text) : BASE64.test(text) ? decode(text) : undefined;
    const found = inner === undefined ? NONE : look(inner, depth + 1);
    texts.set(text, found);
    return found;
  };

  // A person is no loop, and may paste a completion event.
  return (event) => (event.kind === 'chat' ? NONE : look(event.data, 0));
}

/** Fields below this are not searched: the output of tasks may be anything. */
function ownLine(value: object): readonly Ancestor[] | undefined {
  if (!('runId' in value && 'rule' in value)) return undefined;
  const own = OwnData.safeParse(value).data;
  if (own === undefined) return undefined;
  const { rule, runId } = own;
  return [...Ancestry.parse(own.ancestry), { rule, runId }].slice(-MAX_ANCESTORS);
}

/** JSON inside a text, as SNS and queues carry it. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** CloudEvents' `data_base64`, and what Kinesis and Pub/Sub make of a message. */
function decode(text: string): unknown {
  const decoded = Buffer.from(text, 'base64').toString('utf8');
  return decoded.includes('run-') ? parse(decoded) : undefined;
}
