/**
 * The person, robot or token that caused something: a run, a cancel, an approval. Only the id says who it is, and only
 * where the proof of its source covers it; a name is chosen by its owner, and only shown
 * (docs/decisions/2026-11-21-who-caused-a-run.md).
 */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { firstText } from './id-parts.ts';
import { printable, shownName } from './printable.ts';
import type { TriggerEvent } from './trigger-event.ts';

const MAX_ID = 128;
const MAX_NAME = 80;

export const Actor = z.strictObject({
  /** As its source knows the account; it cannot be changed. Absent if the source reports only a name. */
  id: z.string().max(MAX_ID).optional(),
  /** One line without control characters. */
  name: z
    .string()
    .max(4 * MAX_NAME)
    .optional(),
  /** The chat in which a person typed it, by the name of its source: `slack`. */
  chat: z.string().max(MAX_ID).optional(),
  /** Otherwise the source that names the account: `github`; `api` for a token of the API, whose id is its name. */
  source: z.string().max(MAX_ID).optional(),
});
export type Actor = z.infer<typeof Actor>;

/** The `source` of a token of the API. */
const API = 'api';

/** Who sent the event; undefined if it is no act of an account, or its source does not report one. */
export function actorOf({ source, kind, data }: TriggerEvent): Actor | undefined {
  switch (kind) {
    case 'chat':
      return known({ ...data.user, place: { chat: source } });
    case 'deploy':
      return known({ id: data.actorId, name: data.actor, place: { source } });
    case 'alert':
    case 'completion':
    case 'generic':
      return undefined;
  }
}

/** @param name of the token: lib/http/access-tokens.ts */
export function tokenActor(name: string): Actor {
  return { id: name, source: API };
}

/** Who sent a message to a queue, as SQS says: the id of a role or user of AWS, of a role with the session's name. */
export function senderActor(senderId: string): Actor | undefined {
  return known({ id: firstText(senderId), place: { source: 'aws' } });
}

/**
 * Whether two acts are of one account. If one of them has no id, equal names count: for a second person's approval, that
 * is the safe side. One person's accounts in two chats are two.
 */
export function isSameActor(one: Actor, other: Actor): boolean {
  if (placeOf(one) !== placeOf(other)) return false;
  if (one.id !== undefined && other.id !== undefined) return one.id === other.id;
  return one.name !== undefined && one.name.toLowerCase() === other.name?.toLowerCase();
}

/** `slack/U1 (ann)`, `github/583231 (octocat)`; of a token its name alone. The id first, because it decides. */
export function describeActor(actor: Actor): string {
  const place = placeOf(actor);
  return place === API ? nameFor(actor) : `${place}/${nameFor(actor)}`;
}

/** `U1 (ann)`; without an id, the name in the form for `allow`. */
export function nameFor({ id, name }: Pick<Actor, 'id' | 'name'>): string {
  if (id === undefined) return name === undefined ? 'somebody without an id' : `name:${name}`;
  return name === undefined || name === id ? id : `${id} (${name})`;
}

/** Of a trigger. */
interface Causes {
  actor?: Actor | undefined;
  startedBy?: Actor | undefined;
}

/** What a run that follows from another has of the other's causes. */
export function causesOf({ actor, startedBy }: Causes): Causes {
  return { actor, startedBy };
}

/** Everybody who asked for the run: none of them is a second person for it. */
export function requestersOf({ actor, startedBy }: Causes): Actor[] {
  return [actor, startedBy].filter((it) => it !== undefined);
}

/**
 * The causes of a chained run. A sentence in an event can name any run, so the account that the event's own proof names
 * stays beside whoever started the chain.
 * @param parents of the run's event, from the table, oldest first
 */
export function inheritedCauses(own: Causes, parents: readonly Causes[]): Causes {
  const [first] = parents.toReversed().flatMap(({ actor, startedBy }) => startedBy ?? actor ?? []);
  if (first === undefined || own.actor === undefined) return { actor: own.actor ?? first };
  return isSameActor(first, own.actor) ? own : { actor: own.actor, startedBy: first };
}

function placeOf({ chat, source }: Actor): string {
  return chat ?? source ?? '';
}

interface Given {
  id?: string | undefined;
  name?: string | undefined;
  place: Pick<Actor, 'chat' | 'source'>;
}

function known({ id, name, place }: Given): Actor | undefined {
  const shown = name === undefined ? undefined : shownName(name, MAX_NAME);
  if (id === undefined && shown === undefined) return undefined;
  return {
    ...(id !== undefined && { id: shortId(printable(id).replaceAll('\t', '\\u{9}')) }),
    ...(shown !== undefined && { name: shown }),
    ...place,
  };
}

/** Two long ids with the same beginning stay distinct. */
function shortId(id: string): string {
  if (id.length <= MAX_ID) return id;
  const hash = createHash('sha256').update(id).digest('hex').slice(0, 32);
  return `${id.slice(0, MAX_ID - hash.length - 1).toWellFormed()}…${hash}`;
}
