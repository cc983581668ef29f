/**
 * The functions, in serverless-offline: HTTP API, schedule and Lambda's own endpoint, each port of ours with the socket
 * of its server behind it.
 */
import { FleetReflexError, messageOf } from '../../lib/errors.ts';
import { HTTP_DOOR, LAMBDA_DOOR } from './doors.ts';
import { type Front, startFront } from './front.ts';
import { mendHttp, mendLambda } from './function-answers.ts';
import { type OfflineOptions, startOffline } from './offline-process.ts';

export interface FunctionsOptions extends Omit<OfflineOptions, 'stage'> {
  /** 0: any free one. */
  httpPort: number;
  lambdaPort: number;
  signal?: AbortSignal | undefined;
}

export interface LocalFunctions {
  httpUrl: string;
  lambdaUrl: string;
  /** Calls a function by its name in serverless.yml; throws when the call fails. */
  invoke(name: string, event: unknown): Promise<unknown>;
  /** Resolves when the functions have ended by themselves, which they should not. */
  died: Promise<string>;
  stop(): Promise<void>;
}

const STAGE = 'local';

/** @throws FleetReflexError `stack.failed`, with the last lines of serverless-offline */
export async function startFunctions(options: FunctionsOptions): Promise<LocalFunctions> {
  const { httpPort, lambdaPort, signal } = options;
  const offline = await startOffline({ ...options, stage: STAGE });
  const fronts: Front[] = [];
  const stop = async () => {
    await Promise.all(fronts.map((front) => front.stop()));
    await offline.stop();
  };
  const open = async (port: number, front: Omit<Parameters<typeof startFront>[0], 'port'>) => {
    const opened = await startFront({ ...front, port });
    fronts.push(opened);
    return opened.url;
  };
  try {
    const httpUrl = await open(httpPort, { socketPath: offline.httpSocket, door: HTTP_DOOR, mend: mendHttp });
    const lambdaUrl = await open(lambdaPort, {
      socketPath: offline.lambdaSocket,
      door: LAMBDA_DOOR,
      mend: mendLambda,
    });
    await offline.ready(signal);
    return {
      httpUrl,
      lambdaUrl,
      died: offline.died,
      stop,
      invoke: (name, event) => invoke(lambdaUrl, name, event),
    };
  } catch (thrown) {
    await stop();
    if (thrown instanceof FleetReflexError || signal?.aborted === true) throw thrown;
    throw new FleetReflexError('stack.failed', `The functions cannot start: ${messageOf(thrown)}`, {
      cause: thrown,
    });
  }
}

async function invoke(lambdaUrl: string, name: string, event: unknown): Promise<unknown> {
  const path = `/2015-03-31/functions/fleet-reflex-${STAGE}-${name}/invocations`;
  const answer = await fetch(new URL(path, lambdaUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(event),
  });
  const text = await answer.text();
  if (!answer.ok || answer.headers.has('x-amz-function-error')) {
    throw new FleetReflexError('function.failed', `the function ${name} failed (${answer.status}): ${text}`);
  }
  const value: unknown = text === '' ? undefined : JSON.parse(text);
  return value;
}
