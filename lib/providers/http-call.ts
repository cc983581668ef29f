/**
 * One HTTP request to a vendor, and the one question that decides what may follow: can it have had an effect?
 * A request that never left us is `notSent`; one that left and was not answered is `lost`. Nothing is repeated here.
 *
 * On undici's `dispatch` rather than `request`: no stream and no promise chain for bodies of a few hundred bytes,
 * and its handler tells when a request is handed to a connected socket (`onRequestStart`), which is the border.
 */
import type { Dispatcher } from 'undici';
import { type Clock, systemClock } from './clock.ts';

export interface HttpCall {
  /** Scheme, host and port: `https://tat.intl.tencentcloudapi.com`. */
  origin: string;
  method: 'GET' | 'POST';
  /** Path and query. */
  path: string;
  /** Names and values in turn; a `host` among them is sent as it is. */
  headers: string[];
  body?: string | Buffer;
  /** From now to the last byte of the answer, waiting for a connection included, in milliseconds. */
  deadlineMs: number;
  /** Cancels the call from outside. */
  signal?: AbortSignal;
  /** A longer answer is given up as `lost`. Default 16 MiB. */
  maxBodyBytes?: number;
}

export type HttpOutcome =
  /** The whole answer, whatever its status. */
  | {
      kind: 'answered';
      status: number;
      headers: Readonly<Record<string, string | string[] | undefined>>;
      body: string;
    }
  /** Certainly nothing reached the other side: no connection, refused, name not resolved, still waiting for a place. */
  | { kind: 'notSent'; code: HttpFailureCode; message: string; cause?: Error }
  /** It left us (or may have), and no whole answer came: it may have had its effect. */
  | { kind: 'lost'; code: HttpFailureCode; message: string; cause?: Error };

/** Ours, not a vendor's: the connection failed, the deadline passed, or the caller cancelled. */
export type HttpFailureCode = 'Network' | 'Timeout' | 'Aborted';

const MAX_BODY_BYTES = 16 * 1024 * 1024;
const TIMEOUT_CODES: ReadonlySet<string> = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'ETIMEDOUT',
]);

/** Never rejects. */
export function httpCall(
  dispatcher: Dispatcher,
  call: HttpCall,
  clock: Clock = systemClock,
): Promise<HttpOutcome> {
  return new Promise((resolve) => {
    const handler = new AnswerHandler(resolve, call, clock);
    if (handler.isSettled) return;
    try {
      dispatcher.dispatch(
        {
          origin: call.origin,
          path: call.path,
          method: call.method,
          headers: call.headers,
          body: call.body ?? null,
        },
        handler,
      );
    } catch (thrown) {
      handler.onResponseError(undefined, thrown instanceof Error ? thrown : new Error(String(thrown)));
    }
  });
}

/** A class because undici calls it by method names, and because it holds the state of one call. */
class AnswerHandler implements Dispatcher.DispatchHandler {
  isSettled = false;
  readonly #resolve: (outcome: HttpOutcome) => void;
  readonly #maxBodyBytes: number;
  readonly #signal: AbortSignal | undefined;
  readonly #stopTimer: () => void;
  readonly #deadlineMs: number;
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #headers: Readonly<Record<string, string | string[] | undefined>> = {};
  #first: Buffer | undefined;
  #rest: Buffer[] | undefined;
  #received = 0;

  constructor(resolve: (outcome: HttpOutcome) => void, call: HttpCall, clock: Clock) {
    this.#resolve = resolve;
    this.#maxBodyBytes = call.maxBodyBytes ?? MAX_BODY_BYTES;
    this.#signal = call.signal;
    this.#deadlineMs = call.deadlineMs;
    this.#stopTimer = clock.schedule(call.deadlineMs, this.#onDeadline);
    if (call.signal?.aborted === true) this.#onAbort();
    else call.signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Given up while it waited for a connection: undici writes nothing after an abort here.
    if (this.isSettled) controller.abort(new Error('given up before it was sent'));
    else this.#controller = controller;
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#received += chunk.length;
    if (this.#received > this.#maxBodyBytes) {
      this.#giveUp('Network', `the answer is longer than ${this.#maxBodyBytes} bytes`);
      return;
    }
    if (this.#first === undefined) this.#first = chunk;
    else if (this.#rest === undefined) this.#rest = [this.#first, chunk];
    else this.#rest.push(chunk);
  }

  onResponseEnd(): void {
    const body = this.#rest === undefined ? this.#first : Buffer.concat(this.#rest);
    const text = body === undefined ? '' : body.toString('utf8');
    this.#settle({ kind: 'answered', status: this.#status, headers: this.#headers, body: text });
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
    const text = error.message === '' ? code : error.message;
    this.#fail(TIMEOUT_CODES.has(code) ? 'Timeout' : 'Network', text, error);
  }

  readonly #onDeadline = (): void => {
    this.#giveUp('Timeout', `no answer within ${this.#deadlineMs} ms`);
  };

  readonly #onAbort = (): void => {
    this.#giveUp('Aborted', 'cancelled by the caller');
  };

  #giveUp(code: HttpFailureCode, message: string): void {
    this.#fail(code, message);
    this.#controller?.abort(new Error(message));
  }

  #fail(code: HttpFailureCode, message: string, cause?: Error): void {
    const kind = this.#controller === undefined ? 'notSent' : 'lost';
    this.#settle({ kind, code, message, ...(cause === undefined ? {} : { cause }) });
  }

  #settle(outcome: HttpOutcome): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.#stopTimer();
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#resolve(outcome);
  }
}
