/** A process of the functions as its host sees it, and those that wait for their case. */
import { type ChildProcess, fork } from 'node:child_process';
import { devNull } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Death, FromFunctions, type FunctionName, type ToFunctions } from './messages.ts';
import { ahead } from './shifted-clock.ts';

const PROGRAM = fileURLToPath(new URL('functions-process.ts', import.meta.url));
const KEPT_LINES = 60;

export type Outcome =
  | { kind: 'answered'; answer: unknown }
  | { kind: 'failed'; error: string }
  | { kind: 'died' };

export interface Functions {
  readonly isAlive: boolean;
  /** In the host's time, when each sleep is over. */
  readonly sleeps: ReadonlyMap<number, number>;
  readonly lastLines: readonly string[];
  begin(environment: Readonly<Record<string, string>>, death: Death | undefined): Promise<void>;
  invoke(name: FunctionName, event: unknown, budgetMs: number): Promise<Outcome>;
  /** Resolves when all that it waits for is a sleep, or when it has died. */
  idle(): Promise<void>;
  /** Tells it the clock, and wakes whose sleep is over. */
  tellClock(): void;
  passed(): Promise<Readonly<Record<string, number>>>;
  stop(): void;
}

/** @param bundle the file of bundle.ts */
async function startFunctionsProcess(bundle: string): Promise<Functions> {
  const child = fork(PROGRAM, [bundle], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      TMPDIR: process.env['TMPDIR'],
      // What a process compiles, the next one has.
      NODE_COMPILE_CACHE: join(dirname(bundle), 'compiled'),
      AWS_REGION: 'us-east-1',
      AWS_CONFIG_FILE: devNull,
      AWS_SHARED_CREDENTIALS_FILE: devNull,
    },
  });
  const lastLines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on('line', (line) => {
      lastLines.push(line);
      if (lastLines.length > KEPT_LINES) lastLines.shift();
    });
  }
  return await conversation(child, lastLines);
}

async function conversation(child: ChildProcess, lastLines: readonly string[]): Promise<Functions> {
  let isAlive = true;
  let calls = 0;
  const sleeps = new Map<number, number>();
  const invocations = new Map<string, (outcome: Outcome) => void>();
  const waiting = new Map<FromFunctions['kind'], ((message: FromFunctions | undefined) => void)[]>();
  const say = (message: ToFunctions): void => {
    // A process that has just died is noticed by its exit.
    if (child.connected) child.send(message, () => {});
  };
  /** Undefined: it has died. */
  const heard = (kind: FromFunctions['kind']): Promise<FromFunctions | undefined> =>
    new Promise((resolve) => {
      if (isAlive) waiting.set(kind, [...(waiting.get(kind) ?? []), resolve]);
      else resolve(undefined);
    });

  child.on('message', (raw) => {
    const message = FromFunctions.parse(raw);
    switch (message.kind) {
      case 'done':
        invocations.get(message.id)?.({ kind: 'answered', answer: message.answer });
        invocations.delete(message.id);
        return;
      case 'failed':
        invocations.get(message.id)?.({ kind: 'failed', error: message.error });
        invocations.delete(message.id);
        return;
      case 'sleep':
        sleeps.set(message.id, Date.now() + message.ms);
        return;
      case 'ready':
      case 'begun':
      case 'idle':
      case 'passed': {
        const all = waiting.get(message.kind) ?? [];
        waiting.delete(message.kind);
        for (const resolve of all) resolve(message);
      }
    }
  });
  child.once('exit', () => {
    isAlive = false;
    sleeps.clear();
    for (const resolve of invocations.values()) resolve({ kind: 'died' });
    for (const resolve of [...waiting.values()].flat()) resolve(undefined);
  });
  if ((await heard('ready')) === undefined) throw new Error(`no process: ${lastLines.join('\n')}`);

  return {
    get isAlive() {
      return isAlive;
    },
    sleeps,
    lastLines,
    async begin(environment, death) {
      const begun = heard('begun');
      say({ kind: 'begin', environment: { ...environment }, death, aheadMs: ahead() });
      if ((await begun) === undefined) throw new Error(`no functions: ${lastLines.join('\n')}`);
    },
    invoke(name, event, budgetMs) {
      calls += 1;
      const id = `${name}-${calls}`;
      return new Promise((resolve) => {
        if (!isAlive) {
          resolve({ kind: 'died' });
          return;
        }
        invocations.set(id, resolve);
        say({ kind: 'invoke', id, name, event, budgetMs });
      });
    },
    async idle() {
      const idle = heard('idle');
      say({ kind: 'isIdle' });
      await idle;
    },
    tellClock() {
      const over = [...sleeps].filter(([, atMs]) => atMs <= Date.now()).map(([id]) => id);
      for (const id of over) sleeps.delete(id);
      say({ kind: 'clock', aheadMs: ahead(), over });
    },
    async passed() {
      const report = heard('passed');
      say({ kind: 'report' });
      const message = await report;
      return message?.kind === 'passed' ? message.places : {};
    },
    stop() {
      child.kill('SIGKILL');
    },
  };
}

/** Processes that are started ahead, for to start one takes longer than a case. */
export function functionsPool(size: number, bundle: string) {
  const ready: Promise<Functions>[] = [];
  const fill = () => {
    while (ready.length < size) {
      const next = startFunctionsProcess(bundle);
      // Whoever takes it hears of it.
      next.catch(() => {});
      ready.push(next);
    }
  };
  fill();
  return {
    async take(): Promise<Functions> {
      const next = ready.shift();
      fill();
      return await (next ?? startFunctionsProcess(bundle));
    },
    /** One that has survived its case. */
    giveBack(functions: Functions): void {
      if (functions.isAlive) ready.unshift(Promise.resolve(functions));
    },
    async stop(): Promise<void> {
      for (const one of ready.splice(0)) (await one).stop();
    },
  };
}
export type FunctionsPool = ReturnType<typeof functionsPool>;
