/**
 * The process that dies: all functions, as handlers/ wires them, called by the host of a case as Lambda calls them. It is
 * started ahead of its case and has loaded them; the environment comes with the case. Its argument is the file of bundle.ts.
 */
import { pathToFileURL } from 'node:url';
import type { Context } from 'aws-lambda';
import * as z from 'zod';
import { watchRequests, whenIdle } from './activity.ts';
import { type FromFunctions, FunctionName, ToFunctions } from './messages.ts';
import { dieAt, passed, reportPlaces } from './passing.ts';
import { installClock, setAhead } from './shifted-clock.ts';
import { wake } from './sleeping.ts';

type Handler = (event: unknown, context: Context) => Promise<unknown>;
const Handlers = z.record(
  FunctionName,
  z.custom<Handler>((it) => typeof it === 'function'),
);

const [, , bundle = ''] = process.argv;
installClock();
reportPlaces();
watchRequests();
let cases = 0;
let handlers = await load();

process.on('message', (message) => {
  hear(ToFunctions.parse(message)).catch((thrown: unknown) => {
    // A mistake of this suite, or of the rules of a scenario: the host sees it end.
    console.error(thrown);
    process.exit(1);
  });
});
process.on('disconnect', () => process.exit(0));
say({ kind: 'ready' });

async function hear(message: ToFunctions): Promise<void> {
  switch (message.kind) {
    case 'begin': {
      setAhead(message.aheadMs);
      Object.assign(process.env, message.environment);
      cases += 1;
      // One that has survived its case serves another, with functions that know nothing of the first.
      if (cases > 1) handlers = await load();
      dieAt(message.death);
      say({ kind: 'begun' });
      return;
    }
    case 'invoke':
      await invoke(message);
      return;
    case 'isIdle':
      await whenIdle();
      say({ kind: 'idle' });
      return;
    case 'clock':
      setAhead(message.aheadMs);
      wake(message.over);
      return;
    case 'report':
      say({ kind: 'passed', places: Object.fromEntries(passed) });
      return;
  }
}

async function invoke({
  id,
  name,
  event,
  budgetMs,
}: Extract<ToFunctions, { kind: 'invoke' }>): Promise<void> {
  const endsAtMs = Date.now() + budgetMs;
  const context: Context = {
    callbackWaitsForEmptyEventLoop: true,
    functionName: name,
    functionVersion: '$LATEST',
    invokedFunctionArn: `arn:aws:lambda:us-east-1:000000000000:function:${name}`,
    memoryLimitInMB: '512',
    awsRequestId: id,
    logGroupName: '',
    logStreamName: '',
    getRemainingTimeInMillis: () => endsAtMs - Date.now(),
    done() {},
    fail() {},
    succeed() {},
  };
  try {
    const answer = await handlers[name]?.(event, context);
    say({ kind: 'done', id, answer });
  } catch (thrown) {
    say({
      kind: 'failed',
      id,
      error: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown),
    });
  }
}

async function load(): Promise<Record<FunctionName, Handler>> {
  const module: unknown = await import(`${pathToFileURL(bundle)}?case=${cases}`);
  return Handlers.parse({ ...Object(module) });
}

function say(message: FromFunctions): void {
  process.send?.(message);
}
