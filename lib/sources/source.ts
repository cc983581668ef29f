/**
 * The seam for systems that send events. A source is one file with three parts: how a request is authenticated (`verify`),
 * the schema of its body (`payload`), and the trigger events that it makes (`normalise`). `defineSource` binds the three so
 * that they can only run in that order: signature on the raw bytes, then parse, then schema.
 */
import type * as z from 'zod';
import { FleetReflexError } from '../errors.ts';
import { type RawRequest, readable, type SourceRequest } from '../http/request.ts';
import type { DoorOutcome, Note } from '../model/decision.ts';
import type { InvocationNews } from '../model/invocation-news.ts';
import type { ReplyTo } from '../model/reply-to.ts';
import type { EventKind, TriggerEvent } from '../model/trigger-event.ts';
import { type EntrySchema, entrySchema, type SourceSettings } from './settings.ts';

export interface SourceContext<Settings = SourceSettings> {
  /** The live secrets, newest first; more than one while a secret is rotated. Empty only with `hasNoSecret`. */
  secrets: readonly string[];
  now: Date;
  settings: Settings;
}

/**
 * Whether a request is authentic. `because` is for our log only: the sender gets only a 401.
 * `stale` is used only for a request with a correct signature.
 */
export type Verification =
  /**
   * `isFresh`: the signature covers a time near ours. `opened`: the plain text of a body that had to be decrypted; it is
   * not parsed again.
   */
  | { isAuthentic: true; isFresh?: true; opened?: unknown }
  | { isAuthentic: false; reason: 'forged' | 'stale'; because: string };

export const AUTHENTIC: Verification = { isAuthentic: true };
export const FRESH: Verification = { isAuthentic: true, isFresh: true };
export const forged = (because: string): Verification => ({ isAuthentic: false, reason: 'forged', because });
export const stale = (because: string): Verification => ({ isAuthentic: false, reason: 'stale', because });

/** An answer that a source expects in its own format. */
export interface SourceAnswer {
  status: number;
  headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON, a string as it is. */
  body?: unknown;
}

export type Normalisation =
  | {
      kind: 'events';
      events: readonly TriggerEvent[];
      replyTo?: ReplyTo;
      /** `time` is signed, so a command of a person that is replayed much later does not run. */
      isTimeProved?: boolean;
      /** The sender discards the response, so the answer's text is also sent to `replyTo`. */
      isAnswerHidden?: true;
      /** Notes about the whole request, repeated with each event. */
      notes?: readonly Note[];
      /** If the sender chooses the ids: the content of each event, and whether the signature covers it. */
      contents?: { hashes: readonly string[]; isSigned: boolean };
      /** Invocations that a provider reports as changed: the poller looks at once. */
      news?: readonly InvocationNews[];
    }
  /** Authentic, understood, and nothing to match: a ping, a test, a type that we do not use. */
  | { kind: 'ignored'; because: string }
  /** A handshake: answered at once, never matched. */
  | { kind: 'answered'; answer: SourceAnswer };

/** Facts of a source for the table of docs/sources.md, each a phrase. */
export interface SourceFacts {
  /** How a request is authenticated: `HMAC-SHA256 of the body in X-Hub-Signature-256`. */
  proof: string;
  /** How long a captured request is accepted: `5 minutes`; `none` for no limit. */
  replayWindow: string;
  /** What `event.id` is made of. */
  eventId: string;
  /** For a chat source: the ids of its people and channels, for `allow`. */
  people?: PeopleFacts;
}

export interface PeopleFacts {
  /** What `user.id` is: the platform's own id, that its owner cannot change. */
  user: string;
  /** What `user.name` is. */
  userName: string;
  /** What `channel.id` is. */
  channel: string;
  /** What `channel.name` is. */
  channelName: string;
  /** What `user.groups` has. */
  groups: string;
  /** What `tenant` is. */
  tenant: string;
  /** Where people of other tenants can reach the app with the same secret: by sharing channels, or by installing it. */
  isReachedByOthers?: true;
}

export interface SourceSpec<Payload, Settings> {
  /** The path segment of `/hooks/{name}` and the word after `on:`. */
  name: string;
  title: string;
  /** The page of the vendor that this file implements. */
  documentation: string;
  /** How a person sets the sender up, Markdown, a few lines; docs/sources.md is made of these. */
  setup: string;
  facts?: SourceFacts;
  /** The kinds of event it makes; rules on it are type-checked against their fields. */
  kinds: readonly EventKind[];
  /** Its own settings under `sources:` in rules.yml. `queue` is there for every source, and is the door's business. */
  settings: z.ZodObject & z.ZodType<Settings>;
  /** Default POST only. */
  methods?: readonly string[];
  /** The media types that it sends, without parameters; others are answered 415. Empty: any. */
  contentTypes: readonly string[];
  /** It is authenticated without a secret (by a certificate), so it accepts events if no secret is set. */
  hasNoSecret?: boolean;
  verify(request: SourceRequest, context: SourceContext<Settings>): Verification | Promise<Verification>;
  /** Default: what `verify` has opened, or `request.parsed()`. Throws FleetReflexError `body.*`. */
  parse?(request: SourceRequest, context: SourceContext<Settings>): unknown;
  payload: z.ZodType<Payload>;
  /** A set-up step with a side effect (confirming a subscription) before the answer. HTTP only. */
  handshake?(
    payload: Payload,
    request: SourceRequest,
    context: SourceContext<Settings>,
  ): Promise<SourceAnswer | undefined>;
  normalise(payload: Payload, request: SourceRequest, context: SourceContext<Settings>): Normalisation;
  /** Only for a source that expects another answer than 202 with the matched rules. */
  answer?(outcomes: readonly DoorOutcome[], context: SourceContext<Settings>): SourceAnswer;
  /** For messages of the `events` queue that do not name their source: is this parsed body one of ours? */
  recognises?(body: unknown): boolean;
}

export type Received =
  | { kind: 'refused'; verification: Extract<Verification, { isAuthentic: false }> }
  /** `isFresh`: its proof says that it was sent just now. */
  | { kind: 'understood'; normalisation: Normalisation; isFresh?: true };

/** A source whose payload and settings types are sealed inside, so that a registry can hold many. */
export interface Source {
  readonly name: string;
  readonly title: string;
  readonly documentation: string;
  readonly setup: string;
  readonly facts?: SourceFacts;
  readonly kinds: readonly EventKind[];
  /** Its entry under `sources:` in rules.yml: its own settings, `queue`, and of a source of people `tenants`. */
  readonly settings: EntrySchema;
  readonly methods: readonly string[];
  readonly contentTypes: readonly string[];
  readonly hasNoSecret: boolean;
  /** Verify, parse, check, normalise; throws FleetReflexError `body.*` for what cannot be understood. */
  receive(request: RawRequest, context: SourceContext): Promise<Received>;
  /** The same for a message of the `events` queue, whose sender the queue policy has already let in. */
  receiveMessage(message: SourceRequest, context: SourceContext): Normalisation;
  answer?(outcomes: readonly DoorOutcome[], context: SourceContext): SourceAnswer;
  recognises?(body: unknown): boolean;
}

/**
 * Binds a source's parts; the types are checked here and sealed.
 * @example
 * export const acme = defineSource({
 *   name: 'acme',
 *   title: 'Acme',
 *   documentation: 'https://acme.example/webhooks',
 *   setup: 'Add `https://<your-endpoint>/hooks/acme` with the secret.',
 *   kinds: ['generic'],
 *   contentTypes: ['application/json'],
 *   settings: z.strictObject({}),
 *   verify: (request, { secrets }) => verifyAuthorization(request, secrets),
 *   payload: z.looseObject({ id: z.string() }),
 *   normalise(body, _request, { now }) {
 *     const envelope = { source: 'acme', id: body.id, verb: 'received', time: now.toISOString() };
 *     return { kind: 'events', events: [genericEvent(envelope, { body })] };
 *   },
 * });
 */
export function defineSource<Payload, Settings>(spec: SourceSpec<Payload, Settings>): Source {
  /** What its schema has parsed is its own settings and everybody's. */
  type Context = SourceContext<Settings & SourceSettings>;
  const { answer, recognises } = spec;
  return {
    name: spec.name,
    title: spec.title,
    documentation: spec.documentation,
    setup: spec.setup,
    ...(spec.facts && { facts: spec.facts }),
    kinds: spec.kinds,
    settings: entrySchema(spec.settings, {
      hasPeople: spec.kinds.includes('chat'),
      hasSystems: spec.kinds.some((kind) => kind !== 'chat'),
    }),
    methods: spec.methods ?? ['POST'],
    contentTypes: spec.contentTypes,
    hasNoSecret: spec.hasNoSecret ?? false,
    async receive(raw, context: Context) {
      const request = readable(raw);
      const verification = await spec.verify(request, context);
      if (!verification.isAuthentic) return { kind: 'refused', verification };
      const parsed =
        verification.opened !== undefined
          ? verification.opened
          : spec.parse
            ? spec.parse(request, context)
            : request.parsed();
      const payload = checkPayload(spec.name, spec.payload, parsed);
      const answer = await spec.handshake?.(payload, request, context);
      const normalisation: Normalisation =
        answer === undefined ? spec.normalise(payload, request, context) : { kind: 'answered', answer };
      return { kind: 'understood', normalisation, ...(verification.isFresh && { isFresh: true }) };
    },
    receiveMessage(message, context: Context) {
      return spec.normalise(checkPayload(spec.name, spec.payload, message.json()), message, context);
    },
    ...(answer && { answer: (outcomes, context: Context) => answer(outcomes, context) }),
    ...(recognises && { recognises }),
  };
}

/** A message of the `events` queue as a request: it has a body and nothing else. */
export function requestOfMessage(body: string): SourceRequest {
  return readable({
    method: 'POST',
    path: '',
    query: new URLSearchParams(),
    headers: {},
    body: Buffer.from(body),
  });
}

/** Parses an inner body of a source, as `payload` parses the body. @throws `body.invalid` */
export function checkPayload<Payload>(source: string, schema: z.ZodType<Payload>, parsed: unknown): Payload {
  const payload = schema.safeParse(parsed);
  if (!payload.success) throw badPayload(source, payload.error);
  return payload.data;
}

function badPayload(source: string, error: z.ZodError): FleetReflexError {
  const problems = problemsIn(error.issues).slice(0, 5);
  return new FleetReflexError(
    'body.invalid',
    `This is not a payload of ${source} as its documentation describes it. ${problems.join('; ')}.`,
    { details: { source, problems } },
  );
}

/** For a schema with alternatives: the problems of the closest one. */
function problemsIn(issues: readonly z.core.$ZodIssue[], at: readonly PropertyKey[] = []): string[] {
  return issues.flatMap((issue) => {
    const path = [...at, ...issue.path];
    const [closest] =
      issue.code === 'invalid_union' ? issue.errors.toSorted((a, b) => a.length - b.length) : [];
    if (closest !== undefined) return problemsIn(closest, path);
    return [`${path.map(String).join('.') || 'the body'}: ${issue.message}`];
  });
}
