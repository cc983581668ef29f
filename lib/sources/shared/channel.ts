/**
 * The seam to the ways back into a chat: one file for each `via` of a ReplyTo says what request carries a message
 * there, and reads from the answer whether it arrived. What sends it is replies.ts alone.
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

/** Whose API has one address for everybody. */
export type Vendor = 'discord' | 'github' | 'slack';

export interface Reply {
  message: RunMessage;
  /** Absent where a text is said that is no news of a run. */
  event?: CompletionEvent;
  /** Nobody but the person who asked shall see it; only for an address that `tellsCaller` says yes to. */
  isForCaller: boolean;
}

export interface ReplyChannel {
  via: string;
  /** The hosts that requests may go to; `.example.com` is every host below. */
  hosts: readonly string[];
  /** Whether the person who asked can be told alone there. Default: never, all who are in the channel read along. */
  tellsCaller?(address: Readonly<Record<string, string>>): boolean;
  /** @returns undefined where nothing is configured that leads there */
  requestFor(
    reply: Reply,
    address: Readonly<Record<string, string>>,
    context: ReplyContext,
  ): Promise<ReplyRequest | undefined>;
  /** For chats that say in a 2xx answer that it did not work. Default: every 2xx has arrived. */
  judge?(body: string): Verdict;
}
