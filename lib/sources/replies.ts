/**
 * Sends the progress of a run to the chat that requested it. Replies come with no promise, unlike completion events: a
 * permanent failure is logged and dropped, a temporary one is thrown as `retry`, for a few minutes.
 */
import type { LookupFunction } from 'node:net';
import type { Dispatcher } from 'undici';
import { FleetReflexError, messageOf } from '../errors.ts';
import { whyNotTo } from '../http/destination-guard.ts';
import { PRIVATE_ADDRESS, publicLookup } from '../http/public-lookup.ts';
import type { Log } from '../logging.ts';
import type { CompletionEvent } from '../model/completion-event.ts';
import type { ReplyTo } from '../model/reply-to.ts';
import { httpCall } from '../providers/http-call.ts';
import { borrowedPool, createHttpPool, type HttpPool } from '../providers/http-pool.ts';
import { dingtalkReply } from './dingtalk/reply.ts';
import { discordReply } from './discord/reply.ts';
import { feishuReply } from './feishu/reply.ts';
import { githubDeploymentReply } from './github/deployment-reply.ts';
import { gitlabNoteReply } from './gitlab/reply.ts';
import { mattermostReply } from './mattermost/reply.ts';
import type { Reply, ReplyChannel, ReplyContext, ReplyRequest, Vendor, Verdict } from './shared/channel.ts';
import { issueCommentReply } from './shared/issue-comment-reply.ts';
import { isWithinWhole, messageOfEvent, messageOfText, withoutOutput } from './shared/run-message.ts';
import { slackReply } from './slack/reply.ts';
import { teamsReply } from './teams/reply.ts';
import { wecomReply } from './wecom/reply.ts';

const CHANNELS: ReadonlyMap<string, ReplyChannel> = new Map(
  [
    dingtalkReply,
    discordReply,
    feishuReply,
    githubDeploymentReply,
    gitlabNoteReply,
    issueCommentReply,
    mattermostReply,
    slackReply,
    teamsReply,
    wecomReply,
  ].map((channel) => [channel.via, channel]),
);

const BASES: Readonly<Record<Vendor, string>> = {
  discord: 'https://discord.com',
  github: 'https://api.github.com',
  slack: 'https://slack.com',
};

/** Replies older than this are not retried. */
const GIVE_UP_AFTER_MS = 10 * 60_000;
const DEFAULT_DEADLINE_MS = 5000;
const MAX_ANSWER_BYTES = 64 * 1024;

export interface RepliesOptions {
  /** Web hooks and tokens by source; `replySecrets` of lib/secrets.ts fits. */
  secrets: ReplyContext['secrets'];
  log: Log;
  now: () => Date;
  /** Also reply to this machine: for tests and the local stack. Default: never. */
  allowLoopback?: boolean;
  /** Stand-ins for the vendors' APIs, on this machine. */
  bases?: Partial<Readonly<Record<Vendor, string>>>;
  /** Where a person can look at a run, for GitHub's `log_url`. */
  runUrl?: (runId: string) => string;
  /** For one reply, in milliseconds. Default 5000. */
  deadlineMs?: number;
  /** The undici dispatcher; tests give a `MockAgent`. Default: a pool for each host. */
  dispatcher?: Dispatcher;
  /** How names are resolved. Default: only public addresses, unless this machine is allowed. */
  lookup?: LookupFunction;
}

export interface Replies {
  /**
   * Reports an event to the chat; `task.completed` is not reported.
   * @throws FleetReflexError `reply.failed` (retry), for ten minutes after the event; nothing else
   */
  send(event: CompletionEvent, replyTo: ReplyTo): Promise<void>;
  /** Sends a text to a chat that shows no answer (`isAnswerHidden`). Never throws: it is not retried. */
  say(text: string, replyTo: ReplyTo): Promise<void>;
  close(): Promise<void>;
}

export function replies(options: RepliesOptions): Replies {
  const { log, now, allowLoopback = false, deadlineMs = DEFAULT_DEADLINE_MS } = options;
  const lookup = options.lookup ?? publicLookup();
  const pools = new Map<string, HttpPool>();
  const context = (): ReplyContext => ({
    secrets: options.secrets,
    baseOf: (vendor) => options.bases?.[vendor] ?? BASES[vendor],
    now: now(),
    runUrl: options.runUrl,
  });

  return {
    async send(event, replyTo) {
      const message = messageOfEvent(event);
      const channel = CHANNELS.get(replyTo.via);
      if (message === undefined || (isWithinWhole(event) && channel?.hasStates !== true)) return;
      const facts = { via: replyTo.via, runId: event.data.runId, type: event.type };
      const { outputs = 'caller' } = replyTo;
      const tellsCaller = channel?.tellsCaller?.(replyTo.address) === true;
      // Who may approve it has to see it.
      const isForCaller = outputs !== 'channel' && tellsCaller && event.type !== 'fleet-reflex.run.waiting';
      // In a chat that cannot address one person, everybody would see a message for one person.
      const showsOutput = outputs === 'channel' || (outputs === 'caller' && isForCaller);
      const shown = showsOutput ? message : withoutOutput(message, event.data.runId);
      const failure = await attempt({ message: shown, event, isForCaller }, replyTo, facts);
      if (failure === undefined) return;
      const happenedAt = Date.parse(event.data.endedAt ?? event.data.startedAt ?? event.time);
      if (now().getTime() - happenedAt > GIVE_UP_AFTER_MS) {
        log.warn('reply.dropped', { ...facts, because: `${failure.message} It is too old for another try.` });
        return;
      }
      throw failure;
    },
    async say(text, replyTo) {
      const facts = { via: replyTo.via };
      const failure = await attempt({ message: messageOfText(text), isForCaller: false }, replyTo, facts);
      if (failure !== undefined) log.warn('reply.dropped', { ...facts, because: failure.message });
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.close()));
      pools.clear();
    },
  };

  /** @returns why a retry may help; undefined if it has arrived, or never will */
  async function attempt(
    reply: Reply,
    { via, address }: ReplyTo,
    facts: Readonly<Record<string, unknown>>,
  ): Promise<FleetReflexError | undefined> {
    const channel = CHANNELS.get(via);
    let request: ReplyRequest | undefined;
    try {
      request = await channel?.requestFor(reply, address, context());
    } catch (thrown) {
      // A secret that cannot be read now may be readable later; other errors are permanent.
      if (thrown instanceof FleetReflexError && thrown.disposition === 'retry') return thrown;
      log.error('reply.dropped', { ...facts, because: messageOf(thrown) });
      return undefined;
    }
    if (channel === undefined || request === undefined) {
      log.debug('reply.unset', { ...facts, because: 'nothing is configured that leads there' });
      return undefined;
    }
    const refusal = whyNotTo(request.url, channel.hosts, allowLoopback);
    if (refusal !== undefined) {
      log.warn('reply.dropped', { ...facts, because: refusal });
      return undefined;
    }
    return await post(request, channel, facts);
  }

  async function post(
    { url, headers = {}, body }: ReplyRequest,
    channel: ReplyChannel,
    facts: Readonly<Record<string, unknown>>,
  ): Promise<FleetReflexError | undefined> {
    const all = {
      'content-type': 'application/json; charset=utf-8',
      'user-agent': 'fleet-reflex',
      ...headers,
    };
    const outcome = await httpCall(await poolOf(url.origin).dispatcher(), {
      origin: url.origin,
      method: 'POST',
      path: `${url.pathname}${url.search}`,
      headers: Object.entries(all).flat(),
      body: JSON.stringify(body),
      deadlineMs,
      maxBodyBytes: MAX_ANSWER_BYTES,
    });
    if (outcome.kind !== 'answered') {
      const { cause } = outcome;
      if (!(cause instanceof FleetReflexError && cause.code === PRIVATE_ADDRESS)) {
        return failed(`it did not answer (${outcome.code})`, facts);
      }
      log.warn('reply.dropped', { ...facts, because: cause.message });
      return undefined;
    }
    const { status, headers: answered } = outcome;
    const isFine = status >= 200 && status < 300;
    const verdict = isFine ? (channel.judge?.(outcome.body) ?? 'arrived') : verdictOf(status, answered);
    switch (verdict) {
      case 'arrived':
        log.info('reply.sent', { ...facts, status });
        return undefined;
      case 'gone':
        log.warn('reply.dropped', { ...facts, status, because: 'the chat refused it for good' });
        return undefined;
      case 'busy':
        return failed(`it answered ${status}`, facts, retryAfterMs(answered['retry-after']));
    }
  }

  function poolOf(origin: string): HttpPool {
    const known = pools.get(origin);
    if (known !== undefined) return known;
    const pool =
      options.dispatcher === undefined
        ? createHttpPool({ origin, connections: 4, ...(!allowLoopback && { lookup }) })
        : borrowedPool(options.dispatcher);
    pools.set(origin, pool);
    return pool;
  }
}

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** GitHub answers 403 for too many requests, with the time of the next try. */
function verdictOf(status: number, headers: Headers): Verdict {
  const isLimited = status === 403 && headers['retry-after'] !== undefined;
  return isLimited || status === 408 || status === 425 || status === 429 || status >= 500 ? 'busy' : 'gone';
}

/** Seconds, as every one of these vendors writes it; more than a minute is not worth waiting. */
function retryAfterMs(header: string | string[] | undefined): number | undefined {
  const seconds = typeof header === 'string' ? Number.parseFloat(header) : Number.NaN;
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds, 60) * 1000 : undefined;
}

function failed(
  what: string,
  { via, runId }: Readonly<Record<string, unknown>>,
  afterMs?: number,
): FleetReflexError {
  return new FleetReflexError(
    'reply.failed',
    `The reply by ${String(via)} did not arrive: ${what}. The run itself is not touched by that.`,
    {
      disposition: 'retry',
      ...(afterMs !== undefined && { retryAfterMs: afterMs }),
      details: { via, runId },
    },
  );
}
