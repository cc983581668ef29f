/**
 * Finds the runs that led to an event. Our own completion event names them; who forwards one by another source, by SNS,
 * EventBridge or another queue, has it somewhere inside, and a deployment status at GitHub says it in a sentence. So
 * the whole event is looked through, not only those of the source `fleet-reflex`.
 */
import * as z from 'zod';
import { type Ancestor, Ancestor as AncestorSchema, MAX_ANCESTORS } from '../runs/chain.ts';
import type { TriggerEvent } from './trigger-event.ts';

/** The `data` of a completion event, wherever it stands. */
const OwnData = z.looseObject({
  ...AncestorSchema.shape,
  status: z.string(),
  ancestry: z.unknown().optional(),
});
/** Below the oldest, a list that somebody else has made up is cut, not refused. */
const Ancestry = z.array(AncestorSchema).catch([]);

/** What a deployment's status says of a run: lib/completions/replies/github-deployment.ts. */
const STATUS_TEXT = /^([a-z0-9][a-z0-9-]{0,62}) \((run-[a-z2-7]{26})\): /;
const BASE64 = /^[A-Za-z0-9+/_-]{64,}={0,2}$/;

/** Bounds of the search: a forwarder wraps an event a few times, and an event is no larger than a request. */
const MAX_NODES = 20_000;
const MAX_DEPTH = 24;
const MAX_TEXT = 1024 * 1024;
const MAX_LINES = 100;

/** @returns a line for each run that the event tells of, oldest ancestor first; none for what a person typed */
export function findAncestors(event: TriggerEvent): Ancestor[][] {
  // A person is no loop, and may well paste what became of a run.
  if (event.kind === 'chat') return [];
  const search: Search = { lines: [], nodes: 0, text: 0 };
  look(event.data, 0, search);
  return search.lines;
}

interface Search {
  lines: Ancestor[][];
  nodes: number;
  /** Characters that were parsed again. */
  text: number;
}

function look(value: unknown, depth: number, search: Search): void {
  search.nodes += 1;
  if (search.nodes > MAX_NODES || depth > MAX_DEPTH || search.lines.length >= MAX_LINES) return;
  if (typeof value === 'string') {
    lookInText(value, depth, search);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  const own = Array.isArray(value) ? undefined : OwnData.safeParse(value).data;
  if (own === undefined) {
    for (const inner of Object.values(value)) look(inner, depth + 1, search);
    return;
  }
  // Nothing below is looked at: what its tasks printed may be anything.
  const { rule, runId } = own;
  search.lines.push([...Ancestry.parse(own.ancestry), { rule, runId }].slice(-MAX_ANCESTORS));
}

function lookInText(text: string, depth: number, search: Search): void {
  const [, rule, runId] = STATUS_TEXT.exec(text) ?? [];
  if (rule !== undefined && runId !== undefined) {
    search.lines.push([{ rule, runId }]);
    return;
  }
  if (text.length < 64 || search.text + text.length > MAX_TEXT) return;
  search.text += text.length;
  const inner = /^\s*[[{]/.test(text) ? parse(text) : BASE64.test(text) ? decode(text) : undefined;
  if (inner !== undefined) look(inner, depth + 1, search);
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
