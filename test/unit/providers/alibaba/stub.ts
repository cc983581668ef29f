/** A vendor of paper: answers each request of a Cloud Assistant client from a queue, and keeps what it was asked. */
import { MockAgent } from 'undici';

export const ORIGIN = 'http://127.0.0.1:4581';

export interface StubAnswer {
  status?: number;
  body: unknown;
  headers?: Record<string, string>;
}

interface StubCall {
  action: string;
  query: Record<string, string>;
  headers: Record<string, string>;
}

export interface StubVendor {
  agent: MockAgent;
  calls: StubCall[];
  /** The next answers, in turn, the last one stays; or what to answer to which parameters. */
  answer(...answers: (StubAnswer | ((query: Record<string, string>) => StubAnswer))[]): void;
}

export function stubVendor(): StubVendor {
  const agent = new MockAgent();
  agent.disableNetConnect();
  const calls: StubCall[] = [];
  let queue: (StubAnswer | ((query: Record<string, string>) => StubAnswer))[] = [];
  agent
    .get(ORIGIN)
    .intercept({ path: () => true, method: 'POST' })
    .reply((request) => {
      const headers = headersOf(request.headers);
      const url = new URL(request.path, ORIGIN);
      const query = Object.fromEntries(url.searchParams);
      calls.push({ action: headers['x-acs-action'] ?? '', query, headers });
      const next = queue.length > 1 ? queue.shift() : queue[0];
      const answer = typeof next === 'function' ? next(query) : next;
      const { status = 200, body, headers: answerHeaders = {} } = answer ?? { body: {} };
      return {
        statusCode: status,
        data: typeof body === 'string' ? body : JSON.stringify(body),
        responseOptions: { headers: answerHeaders },
      };
    })
    .persist();
  return {
    agent,
    calls,
    answer(...answers) {
      queue = answers;
    },
  };
}

/** Names and values in turn, as the client hands them over. */
export function headersOf(raw: unknown): Record<string, string> {
  const list = Array.isArray(raw) ? raw.map(String) : [];
  const headers: Record<string, string> = {};
  for (let at = 0; at < list.length; at += 2) headers[list[at] ?? ''] = list[at + 1] ?? '';
  return headers;
}

export function anError(code: string, status = 400, message = 'as the vendor says'): StubAnswer {
  return {
    status,
    body: { RequestId: 'req-error', HostId: 'ecs.aliyuncs.com', Code: code, Message: message },
  };
}
