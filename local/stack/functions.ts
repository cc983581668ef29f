/**
 * The functions, in a process of their own that may die at any time: HTTP API, schedule and Lambda's own endpoint. Queues,
 * table, clouds and fleet are not in it, and go on while the next one is started.
 */
import { FleetReflexError, messageOf } from '../../lib/errors.ts';
import { exchange } from './front.ts';
import { invocationPath } from './function-ports.ts';
import { keepRunning } from './keep-running.ts';
import { type OfflineOptions, startOffline } from './offline-process.ts';

export interface FunctionsOptions extends OfflineOptions {
  /** Told when the process ended, and when the next one is ready. */
  onNotice: (message: string) => void;
  signal?: AbortSignal | undefined;
}

export interface LocalFunctions {
  httpUrl: string;
  lambdaUrl: string;
  /**
   * Calls a function by its name in serverless.yml, once its process is there.
   * @throws FleetReflexError `function.failed`; `function.died` if its process ended while it was at work
   */
  invoke(name: string, event: unknown): Promise<unknown>;
  /** Resolves with what was wrong when the functions cannot be kept running. */
  died: Promise<string>;
  stop(): Promise<void>;
}

/** @throws FleetReflexError `stack.failed`, with the last lines of serverless-offline */
export async function startFunctions(options: FunctionsOptions): Promise<LocalFunctions> {
  const { onNotice, signal } = options;
  try {
    const kept = await keepRunning({
      start: (first) => startOffline({ ...options, ...portsOf(first) }),
      onNotice,
      signal,
    });
    const { httpUrl, lambdaUrl } = kept.first;
    return {
      httpUrl,
      lambdaUrl,
      died: kept.gaveUp,
      stop: kept.stop,
      async invoke(name, event) {
        const { invokeSocket } = await kept.whenReady();
        return await invoke(invokeSocket, name, event);
      },
    };
  } catch (thrown) {
    if (thrown instanceof FleetReflexError || signal?.aborted === true) throw thrown;
    throw new FleetReflexError('stack.failed', `The functions cannot start: ${messageOf(thrown)}`, {
      cause: thrown,
    });
  }
}

/** The ports that the first process got, for all later ones: senders know them. */
function portsOf(first: Pick<LocalFunctions, 'httpUrl' | 'lambdaUrl'> | undefined) {
  if (first === undefined) return {};
  return { httpPort: Number(new URL(first.httpUrl).port), lambdaPort: Number(new URL(first.lambdaUrl).port) };
}

async function invoke(socketPath: string, name: string, event: unknown): Promise<unknown> {
  const body = Buffer.from(JSON.stringify(event));
  const answer = await exchange(socketPath, {
    method: 'POST',
    path: invocationPath(name),
    headers: ['host', 'localhost', 'content-type', 'application/json', 'content-length', String(body.length)],
    body,
  });
  // 503: its process has only begun to start.
  if (answer === undefined || answer.status === 503) {
    throw new FleetReflexError('function.died', `the process of the function ${name} ended`);
  }
  const { status, rawHeaders } = answer;
  const text = answer.body.toString('utf8');
  const hasFailed = rawHeaders.some((header) => header.toLowerCase() === 'x-amz-function-error');
  if (status < 200 || status > 299 || hasFailed) {
    throw new FleetReflexError('function.failed', `the function ${name} failed (${status}): ${text}`);
  }
  const value: unknown = text === '' ? undefined : JSON.parse(text);
  return value;
}
