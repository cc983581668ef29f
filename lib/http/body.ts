/**
 * Bytes to values, for every source: strict UTF-8, bounded depth, no key that could reach a prototype. Ambiguous input is
 * refused, with the reason.
 */
import { FleetReflexError } from '../errors.ts';

/** Real payloads stay below 20 levels; deeper nesting is rejected: it is only seen in attacks. */
const MAX_DEPTH = 100;
const PROTOTYPE_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** @throws FleetReflexError `body.encoding`, `body.json`, `body.depth`, `body.key` */
export function parseJson(body: Uint8Array): unknown {
  const text = decodeUtf8(body);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const what = text.trim() === '' ? 'it is empty' : String(cause instanceof Error ? cause.message : cause);
    throw new FleetReflexError('body.json', `The body must be JSON, and ${describeJsonFault(what)}.`, {
      cause,
    });
  }
  refuseHostileShape(value);
  return value;
}

/** A form as an object of its fields; a field given twice is refused. @throws FleetReflexError `body.*` */
export function parseForm(body: Uint8Array): Record<string, string> {
  const fields: Record<string, string> = Object.create(null);
  for (const [name, value] of new URLSearchParams(decodeUtf8(body))) {
    if (PROTOTYPE_KEYS.has(name)) throw hostileKey(name);
    if (Object.hasOwn(fields, name)) {
      throw new FleetReflexError('body.key', `The form gives the field ${JSON.stringify(name)} twice.`);
    }
    fields[name] = value;
  }
  return { ...fields };
}

/**
 * Whether a body is read as a form. A body that begins as JSON never is: the content type is not signed, and a form could
 * be hidden in the text of a signed JSON body.
 */
export function isForm({ headers, body }: { headers: Headers; body: Uint8Array }): boolean {
  const isCalledForm = /^\s*application\/x-www-form-urlencoded\s*(;|$)/i.test(headers['content-type'] ?? '');
  const first = body.find((byte) => byte > SPACE && !BYTE_ORDER_MARK.has(byte));
  return isCalledForm && first !== OPENING_BRACE && first !== OPENING_BRACKET;
}

const [SPACE, OPENING_BRACE, OPENING_BRACKET] = [0x20, 0x7b, 0x5b];
const BYTE_ORDER_MARK: ReadonlySet<number> = new Set([0xef, 0xbb, 0xbf]);

type Headers = Readonly<Record<string, string | undefined>>;

/** @throws FleetReflexError `body.encoding` */
export function decodeUtf8(body: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch (cause) {
    throw new FleetReflexError(
      'body.encoding',
      'The body must be UTF-8 text, and it has bytes that are not.',
      {
        cause,
      },
    );
  }
}

/** V8's message quotes the body; a message of ours holds none of it. */
function describeJsonFault(message: string): string {
  const at = /at position (\d+)/.exec(message)?.[1];
  if (message === 'it is empty') return message;
  return at === undefined ? 'it ends before it is complete or is malformed' : `it is malformed at byte ${at}`;
}

function refuseHostileShape(root: unknown): void {
  let level: unknown[] = [root];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAX_DEPTH) {
      throw new FleetReflexError('body.depth', `The body is nested deeper than ${MAX_DEPTH} levels.`);
    }
    const next: unknown[] = [];
    for (const value of level) {
      if (typeof value !== 'object' || value === null) continue;
      if (Array.isArray(value)) {
        for (const item of value) next.push(item);
        continue;
      }
      for (const [key, item] of Object.entries(value)) {
        if (key === '__proto__') throw hostileKey(key);
        next.push(item);
      }
    }
    level = next;
  }
}

function hostileKey(key: string): FleetReflexError {
  return new FleetReflexError(
    'body.key',
    `The body has the key ${JSON.stringify(key)}, which no source sends.`,
  );
}
