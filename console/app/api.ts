/** The API, with the token of the person who is signed in. Its errors are RFC 9457 problems: their texts are shown as they are. */

export class Problem extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export interface Api {
  get<Answer>(path: string, signal?: AbortSignal): Promise<Answer>;
  send<Answer>(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<Answer>;
}

const WAIT_MS = 15_000;

export function apiOf(token: string): Api {
  const call = async <Answer>(method: string, path: string, init: RequestInit): Promise<Answer> => {
    const answer = await reach(path, { ...init, method, headers: headersOf(token, init.body) });
    const text = await answer.text();
    const body = parsed(text);
    if (answer.ok) return body as Answer;
    throw problemOf(answer.status, body);
  };
  return {
    get: async (path, signal) => {
      const limit = AbortSignal.timeout(WAIT_MS);
      return await call('GET', path, { signal: signal ? AbortSignal.any([signal, limit]) : limit });
    },
    send: async (method, path, body) =>
      await call(method, path, {
        signal: AbortSignal.timeout(WAIT_MS),
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
  };
}

function headersOf(token: string, body: unknown): Record<string, string> {
  const authorization = `Bearer ${token}`;
  return typeof body === 'string' ? { authorization, 'content-type': 'application/json' } : { authorization };
}

async function reach(path: string, init: RequestInit): Promise<Response> {
  try {
    // Relative: behind a stage or a proxy the console and the API keep their common path.
    return await fetch(`.${path}`, init);
  } catch (thrown) {
    if (thrown instanceof DOMException && thrown.name === 'AbortError') throw thrown;
    throw new Problem(
      0,
      'unreachable',
      'The API did not answer. The console tries again; what is shown may be old.',
    );
  }
}

function parsed(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function problemOf(status: number, body: unknown): Problem {
  const { code, detail, title } = (body ?? {}) as { code?: string; detail?: string; title?: string };
  if (status === 429)
    return new Problem(status, 'too-many', 'Too many requests at once. The console tries again.');
  return new Problem(status, code ?? `http.${status}`, detail ?? title ?? `The API answered ${status}.`);
}
