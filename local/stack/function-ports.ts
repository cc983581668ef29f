/** The two ports of the functions, HTTP API and Lambda's own, each in front of the socket of its server. */
import * as z from 'zod';
import { HTTP_DOOR, LAMBDA_DOOR } from './doors.ts';
import { type FrontOptions, startFront } from './front.ts';
import { mendHttp, mendLambda, startingHttp, startingLambda } from './function-answers.ts';
import { createTurns } from './turns.ts';

export const STAGE = 'local';
const NAME_PREFIX = `fleet-reflex-${STAGE}-`;
const INVOCATION = new RegExp(`^/2015-03-31/functions/${NAME_PREFIX}([^/]+)/invocations`);
/** Of each function at a time, whichever port it is called by: enough for two to meet, few enough for a laptop. */
const INSTANCES = 2;

/** What the process of the functions is started with. */
export const FunctionsGiven = z.strictObject({
  /** All that the functions find in their environment, beside what every process has. */
  environment: z.record(z.string(), z.string()),
  /** 0: any free one. */
  httpPort: z.int(),
  lambdaPort: z.int(),
  /** Where serverless-offline listens. */
  httpSocket: z.string(),
  lambdaSocket: z.string(),
  /** Where the parent invokes functions: whoever looks for the processes at Lambda's port finds this one alone. */
  invokeSocket: z.string(),
  /** The function behind each first segment of a path: `hooks`, `runs`, … */
  routes: z.record(z.string(), z.string()),
});
export type FunctionsGiven = z.infer<typeof FunctionsGiven>;

/** What it answers on the channel to its parent. */
export const FunctionUrls = z.strictObject({ httpUrl: z.string(), lambdaUrl: z.string() });
export type FunctionUrls = z.infer<typeof FunctionUrls>;

export interface FunctionPorts extends FunctionUrls {
  /** Until then every request is told to come again. */
  ready(): void;
}

export async function openFunctionPorts(given: Omit<FunctionsGiven, 'environment'>): Promise<FunctionPorts> {
  const routes = new Map(Object.entries(given.routes));
  const turns = createTurns(INSTANCES);
  let isReady = false;
  const turnOf: (nameOf: (path: string) => string | undefined) => FrontOptions['turn'] =
    (nameOf) => async (path, work) => {
      const name = nameOf(path);
      return name === undefined ? await work() : await turns(name, work);
    };
  const http = await startFront({
    at: given.httpPort,
    socketPath: given.httpSocket,
    door: HTTP_DOOR,
    mend: mendHttp,
    instead: () => (isReady ? undefined : startingHttp()),
    turn: turnOf((path) => routes.get(path.split(/[/?]/, 2)[1] ?? '')),
  });
  const lambdaAt = (at: number | string) =>
    startFront({
      at,
      socketPath: given.lambdaSocket,
      door: LAMBDA_DOOR,
      mend: mendLambda,
      instead: () => (isReady ? undefined : startingLambda()),
      turn: turnOf((path) => INVOCATION.exec(path)?.[1]),
    });
  const lambda = await lambdaAt(given.lambdaPort);
  await lambdaAt(given.invokeSocket);
  return {
    httpUrl: `http://127.0.0.1:${http.at}`,
    lambdaUrl: `http://127.0.0.1:${lambda.at}`,
    ready() {
      isReady = true;
    },
  };
}

/** The path of a function, by its name in serverless.yml, on Lambda's port. */
export function invocationPath(name: string): string {
  return `/2015-03-31/functions/${NAME_PREFIX}${name}/invocations`;
}
