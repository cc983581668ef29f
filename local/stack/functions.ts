/**
 * The functions, in serverless-offline: HTTP API, schedule and Lambda's own endpoint, each port of ours with the socket
 * of its server behind it.
 */
import { FleetReflexError, messageOf } from '../../lib/errors.ts';
import { HTTP_DOOR, LAMBDA_DOOR } from './doors.ts';
import { type Front, type FrontOptions, startFront } from './front.ts';
import { mendHttp, mendLambda } from './function-answers.ts';
import { type OfflineOptions, startOffline } from './offline-process.ts';
import { createTurns } from './turns.ts';

export interface FunctionsOptions extends Omit<OfflineOptions, 'stage'> {
  /** 0: any free one. */
  httpPort: number;
  lambdaPort: number;
  /** The function behind each first segment of a path: `hooks`, `runs`, … */
  routes: ReadonlyMap<string, string>;
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
const NAME_PREFIX = `fleet-reflex-${STAGE}-`;
/** Of each function at a time, whichever port it is called by: enough for two to meet, few enough for a laptop. */
const INSTANCES = 2;
const INVOCATION = new RegExp(`^/2015-03-31/functions/${NAME_PREFIX}([^/]+)/invocations`);

/** @throws FleetReflexError `stack.failed`, with the last lines of serverless-offline */
export async function startFunctions(options: FunctionsOptions): Promise<LocalFunctions> {
  const { httpPort, lambdaPort, routes, signal } = options;
  const offline = await startOffline({ ...options, stage: STAGE });
  const fronts: Front[] = [];
  const stop = async () => {
    await Promise.all(fronts.map((front) => front.stop()));
    await offline.stop();
  };
  const open = async (port: number, front: Omit<FrontOptions, 'port'>) => {
    const opened = await startFront({ ...front, port });
    fronts.push(opened);
    return opened.url;
  };
  try {
    const turns = createTurns(INSTANCES);
    const turnOf: (nameOf: (path: string) => string | undefined) => FrontOptions['turn'] =
      (nameOf) => async (path, work) => {
        const name = nameOf(path);
        return name === undefined ? await work() : await turns(name, work);
      };
    const httpUrl = await open(httpPort, {
      socketPath: offline.httpSocket,
      door: HTTP_DOOR,
      mend: mendHttp,
      turn: turnOf((path) => routes.get(path.split(/[/?]/, 2)[1] ?? '')),
    });
    const lambdaUrl = await open(lambdaPort, {
      socketPath: offline.lambdaSocket,
      door: LAMBDA_DOOR,
      mend: mendLambda,
      turn: turnOf((path) => INVOCATION.exec(path)?.[1]),
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
  const path = `/2015-03-31/functions/${NAME_PREFIX}${name}/invocations`;
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
