/**
 * The seam for replies: one file for each `via` of a ReplyTo builds the request that carries a message to the chat, and
 * reads from the answer whether it arrived. Only replies.ts sends requests.
 */
import type { CompletionEvent } from '../../model/completion-event.ts';
import type { RunMessage } from './run-message.ts';

export interface ReplyRequest {
  url: URL;
  headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  body: unknown;
}

/** - `gone`: it will never arrive there · `busy`: try again */
export type Verdict = 'arrived' | 'gone' | 'busy';

export interface ReplyContext {
  /** A source's reply secret: web hooks, tokens. Empty: nothing is configured. */
  secrets(source: string): Promise<readonly string[]>;
  /** The base of a vendor's API, or its stand-in on this machine. */
  baseOf(vendor: Vendor): string;
  now: Date;
  /** Where a person can look at a run. */
  runUrl?: ((runId: string) => string) | undefined;
}

/** The vendors whose API has one address for all customers. */
export type Vendor = 'discord' | 'github' | 'slack';

export interface Reply {
  message: RunMessage;
  /** Absent for messages that do not report on a run. */
  event?: CompletionEvent;
  /** Only the person who asked may see it; used only if `tellsCaller` accepts the address. */
  isForCaller: boolean;
}

export interface ReplyChannel {
  via: string;
  /** It has a state that each event may change, in place of messages that people read. Default: messages. */
  hasStates?: true;
  /** The hosts that requests may go to; `.example.com` is every host below. */
  hosts: readonly string[];
  /** Whether the chat can answer only the person who asked. Default: never, the whole channel reads the answer. */
  tellsCaller?(address: Readonly<Record<string, string>>): boolean;
  /** @returns undefined if the configuration has no way to this address */
  requestFor(
    reply: Reply,
    address: Readonly<Record<string, string>>,
    context: ReplyContext,
  ): Promise<ReplyRequest | undefined>;
  /** For chats that report failures in a 2xx answer. Default: every 2xx means arrived. */
  judge?(body: string): Verdict;
}
