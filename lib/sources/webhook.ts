/**
 * The HTTP door: `/hooks/{source}`. In this order: size, source, method, media type, signature on the raw bytes,
 * parse, schema, match, send; it answers only when what the event asks for is durable on the queue.
 */
import middy from '@middy/core';
import { correlation, problems } from '../http/middleware.ts';
import { type HttpAnswer, jsonAnswer, problemOf, Refusal } from '../http/problem.ts';
import {
  HttpEvent,
  mediaType,
  prefersRepresentation,
  type SourceRequest,
  toRequest,
  traceparentOf,
} from '../http/request.ts';
import type { CorrelatedLog } from '../logging.ts';
import type { DoorOutcome } from '../model/decision.ts';
import type { ReplyTo } from '../model/reply-to.ts';
import type { WakeUpQueue } from '../queues/wake-up-queue.ts';
import type { DecideContext } from '../runs/decide.ts';
import type { SourceSecrets } from '../secrets.ts';
import type { Source, SourceAnswer, SourceContext } from './source.ts';

/** The largest documented webhook is smaller (GitHub's may be 25 MB, and API Gateway ends at 10): 1 MiB. */
export const MAX_BODY_BYTES = 1024 * 1024;

export interface WebhookContext extends Omit<DecideContext, 'ruleSet'> {
  /** Read with the first request. */
  rules: () => Promise<DecideContext['ruleSet']>;
  /** Imported with its first request. */
  sourceNamed: (name: string) => Source | undefined | Promise<Source | undefined>;
  secrets: SourceSecrets;
  wakeUps: Pick<WakeUpQueue, 'tell'>;
  /** Sends a text to a chat; never throws, and takes no longer than a chat waits. */
  say: (text: string, replyTo: ReplyTo) => Promise<void>;
  log: CorrelatedLog;
}

export function webhookHandler(context: WebhookContext) {
  return middy<unknown, HttpAnswer>()
    .use(correlation(context.log))
    .use(problems(context.log))
    .handler(async (event, { awsRequestId }) => {
      const parsed = HttpEvent.parse(event);
      try {
        return await receive(parsed, awsRequestId, context);
      } catch (thrown) {
        await countRefused(thrown, parsed, context);
        throw thrown;
      }
    });
}

/** A failure of ours is not a refusal. A name that is no source's is its sender's invention, and no dimension. */
async function countRefused(thrown: unknown, event: HttpEvent, { metrics, sourceNamed }: WebhookContext) {
  if (metrics === undefined || problemOf(thrown).status >= 500) return;
  const name = event.pathParameters?.['source'] ?? '';
  const isKnown = (await sourceNamed(name)) !== undefined;
  metrics.add('EventsRefused', 1, { source: isKnown ? name : 'unknown' });
}

async function receive(event: HttpEvent, requestId: string, context: WebhookContext): Promise<HttpAnswer> {
  const { log, secrets: secretsOf, now } = context;
  const receivedAt = now();
  const name = event.pathParameters?.['source'] ?? '';
  const request = toRequest(event, event.pathParameters?.['proxy'] ?? '');
  // The first is the id that a problem names, the second the one of API Gateway's access log.
  log.correlate({ requestId, gatewayRequestId: event.requestContext.requestId, source: name });
  if (request.body.length > MAX_BODY_BYTES) throw tooLarge(request.body.length);
  const [source, ruleSet] = await Promise.all([context.sourceNamed(name), context.rules()]);
  const secrets = source === undefined ? [] : await secretsOf(source.name);
  const settings = ruleSet.sources[name];
  if (source === undefined || settings === undefined || (secrets.length === 0 && !source.hasNoSecret))
    throw unknownSource(name, source !== undefined);
  checkMethod(source, request);
  checkMediaType(source, request);

  const sourceContext: SourceContext = { secrets, now: now(), settings };
  const received = await source.receive(request, sourceContext);
  if (received.kind === 'refused') throw unauthorized(received.verification);
  const { normalisation } = received;
  switch (normalisation.kind) {
    case 'answered':
      log.info('request.answered', { status: normalisation.answer.status });
      return toHttpAnswer(normalisation.answer);
    case 'ignored':
      log.info('event.ignored', { because: normalisation.because });
      return source.answer === undefined
        ? jsonAnswer(202, { matched: [], unmatched: [], ignored: normalisation.because })
        : toHttpAnswer(source.answer([], sourceContext));
    case 'events': {
      const { events, replyTo, isTimeProved, contents, notes, news = [] } = normalisation;
      const isToldAll = prefersRepresentation(request.headers);
      const { decide } = await import('../runs/decide.ts');
      const outcomes = await decide(
        events,
        {
          askedAt: receivedAt,
          isTimeProved,
          isFresh: received.isFresh,
          contents,
          notes,
          replyTo,
          explained: isToldAll ? Math.ceil(MAX_LISTED / events.length) : undefined,
          traceparent: traceparentOf(request.headers),
        },
        { ...context, ruleSet },
      );
      if (news.length > 0) await context.wakeUps.tell(news);
      // If the sender discards the response, the person who asked gets a message.
      if (normalisation.isAnswerHidden && replyTo) {
        const { answerLines } = await import('./shared/chat-answer.ts');
        await context.say(answerLines(outcomes, 'channel').join('\n'), replyTo);
      }
      if (source.answer !== undefined) return toHttpAnswer(source.answer(outcomes, sourceContext));
      return jsonAnswer(202, answerOf(outcomes), isToldAll ? PREFERENCE_APPLIED : {});
    }
  }
}

const PREFERENCE_APPLIED = { 'preference-applied': 'return=representation' };

/** Lambda answers at most 6 MB, and a body may have thousands of events: `why` has the omitted ones. */
const MAX_LISTED = 1_000;

/** Started runs first, if there are more events than can be listed. */
function answerOf(outcomes: readonly DoorOutcome[]) {
  const matched = outcomes.flatMap(({ event: { id }, matched: of }) =>
    of.map((it) => ({ ...it, eventId: id })),
  );
  const unmatched = outcomes.flatMap(({ event: { id }, unmatched: of }) =>
    of.map(({ rule, because }) => ({ rule, because, eventId: id })),
  );
  const notes = notesOf(outcomes);
  const said = notes.length > 0 ? { notes } : {};
  const unexplained = outcomes.reduce((sum, { unmatchedOmitted = 0 }) => sum + unmatchedOmitted, 0);
  if (matched.length + unmatched.length <= MAX_LISTED && unexplained === 0) {
    return { matched, unmatched, ...said };
  }
  const startedFirst = matched.toSorted(
    (a, b) => Number(a.rejected !== undefined) - Number(b.rejected !== undefined),
  );
  const listed = startedFirst.slice(0, MAX_LISTED);
  const notMatched = unmatched.slice(0, MAX_LISTED - listed.length);
  return {
    matched: listed,
    unmatched: notMatched,
    ...said,
    omitted: {
      matched: matched.length - listed.length,
      unmatched: unexplained + unmatched.length - notMatched.length,
    },
  };
}

const MAX_NOTES = 20;
const MAX_IDS = 100;

/** Each note once, with its events. */
function notesOf(outcomes: readonly DoorOutcome[]) {
  const said = outcomes.flatMap(({ event, notes = [] }) => notes.map((note) => ({ ...note, id: event.id })));
  return [...Map.groupBy(said, ({ code, message }) => JSON.stringify([code, message])).values()]
    .slice(0, MAX_NOTES)
    .flatMap((group) =>
      group.slice(0, 1).map(({ code, message }) => ({
        code,
        message,
        eventIds: group.slice(0, MAX_IDS).map(({ id }) => id),
      })),
    );
}

function toHttpAnswer({ status, headers = {}, body }: SourceAnswer): HttpAnswer {
  if (body === undefined) return { statusCode: status, headers: { ...headers }, body: '' };
  if (typeof body !== 'string') return jsonAnswer(status, body, headers);
  return { statusCode: status, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers }, body };
}

function tooLarge(bytes: number): Refusal {
  return new Refusal(
    {
      status: 413,
      code: 'body.tooLarge',
      title: 'Body too large',
      detail: `A body may have ${MAX_BODY_BYTES} bytes, and this one has ${bytes}.`,
    },
    `${bytes} bytes`,
  );
}

function unknownSource(name: string, isKnown: boolean): Refusal {
  return new Refusal(
    {
      status: 404,
      code: 'source.unknown',
      title: 'Unknown source',
      detail: 'There is no such source here. docs/sources.md lists them; the path is /hooks/{source}.',
    },
    isKnown ? `${name} has no secret, so it takes no events` : 'no source has this name',
  );
}

function checkMethod({ methods }: Source, { method }: SourceRequest): void {
  if (methods.includes(method)) return;
  throw new Refusal(
    {
      status: 405,
      code: 'method.notAllowed',
      title: 'Method not allowed',
      detail: `This source takes ${methods.join(', ')}, and this was ${method}.`,
      headers: { allow: methods.join(', ') },
    },
    method,
  );
}

function checkMediaType({ contentTypes }: Source, request: SourceRequest): void {
  const given = mediaType(request);
  // Only a body has a type: handshakes by GET and OPTIONS have none.
  const hasBody = request.method === 'POST' || request.method === 'PUT' || request.method === 'PATCH';
  if (!hasBody || contentTypes.length === 0 || contentTypes.includes(given)) return;
  throw new Refusal(
    {
      status: 415,
      code: 'body.mediaType',
      title: 'Unsupported media type',
      detail: `This source takes ${contentTypes.join(', ')}, and this was ${given === '' ? 'without a content type' : 'another type'}.`,
    },
    given,
  );
}

/** The two have different answers, for a sender whose clock is wrong; neither says what was expected. */
function unauthorized({ reason, because }: { reason: 'forged' | 'stale'; because: string }): Refusal {
  const problem =
    reason === 'stale'
      ? {
          code: 'request.stale',
          title: 'Too old or too new',
          detail: 'The request’s time is too far from ours.',
        }
      : { code: 'request.forged', title: 'Not authentic', detail: 'The request does not prove who sent it.' };
  return new Refusal({ status: 401, ...problem, headers: { 'www-authenticate': 'Signature' } }, because);
}
