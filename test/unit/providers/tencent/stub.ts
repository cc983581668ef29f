/** A TAT endpoint that answers what a test tells it, as an undici dispatcher: no socket is ever opened. */
import { Dispatcher } from 'undici';
import * as z from 'zod';

export interface StubRequest {
  action: string;
  region: string;
  body: Record<string, unknown>;
  headers: Record<string, string>;
}

/** What goes into `Response`, an error of the vendor, a whole HTTP answer, or none at all. */
export type StubAnswer =
  | { response: Record<string, unknown>; date?: string }
  | { error: string; message?: string; date?: string }
  | { status: number; text: string }
  /** The connection breaks after the request left. */
  | { breaks: true }
  /** No connection comes about. */
  | { refuses: true };

export interface TencentStub {
  dispatcher: Dispatcher;
  /** Every request so far, in order. */
  requests: StubRequest[];
  /** `Action` of each, in order. */
  actions(): string[];
}

export const STUB_CREDENTIALS = { secretId: 'stub-id', secretKey: 'stub-key' };

const HeaderList = z.array(z.string());
const Body = z.record(z.string(), z.unknown());
const IDLE = { aborted: false, paused: false, reason: null, abort() {}, pause() {}, resume() {} };

export function createTencentStub(answer: (request: StubRequest, index: number) => StubAnswer): TencentStub {
  const requests: StubRequest[] = [];

  class StubDispatcher extends Dispatcher {
    override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
      const list = HeaderList.parse(options.headers);
      const headers: Record<string, string> = {};
      for (let at = 0; at + 1 < list.length; at += 2) headers[list[at] ?? ''] = list[at + 1] ?? '';
      const request = {
        action: headers['x-tc-action'] ?? '',
        region: headers['x-tc-region'] ?? '',
        body: Body.parse(JSON.parse(String(options.body))),
        headers,
      };
      requests.push(request);
      const told = answer(request, requests.length - 1);
      const requestId = `request-${requests.length}`;
      queueMicrotask(() => reply(handler, told, requestId));
      return true;
    }
  }
  return { dispatcher: new StubDispatcher(), requests, actions: () => requests.map(({ action }) => action) };
}

function reply(handler: Dispatcher.DispatchHandler, told: StubAnswer, RequestId: string): void {
  if ('refuses' in told) {
    handler.onResponseError?.(IDLE, Object.assign(new Error('connect refused'), { code: 'ECONNREFUSED' }));
    return;
  }
  handler.onRequestStart?.(IDLE, null);
  if ('breaks' in told) {
    handler.onResponseError?.(
      IDLE,
      Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' }),
    );
    return;
  }
  const date = 'date' in told ? told.date : undefined;
  handler.onResponseStart?.(IDLE, 'status' in told ? told.status : 200, date === undefined ? {} : { date });
  handler.onResponseData?.(IDLE, Buffer.from(textOf(told, RequestId)));
  handler.onResponseEnd?.(IDLE, {});
}

function textOf(told: Exclude<StubAnswer, { breaks: true } | { refuses: true }>, RequestId: string): string {
  if ('text' in told) return told.text;
  if ('response' in told) return JSON.stringify({ Response: { ...told.response, RequestId } });
  const error = { Code: told.error, Message: told.message ?? 'told to fail' };
  return JSON.stringify({ Response: { Error: error, RequestId } });
}
