/**
 * Kills the process of the functions at each await that a scenario passes. A first run of each scenario, without a death,
 * says which places it passes and how often; then there is a case for each.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Failure, Suite, SuiteOptions, SuiteReport } from '../suite.ts';
import { bundleFunctions } from './bundle.ts';
import { type Case, CaseResult } from './case.ts';
import { Death } from './messages.ts';
import { SCENARIOS } from './scenarios.ts';

const HOST = fileURLToPath(new URL('host.ts', import.meta.url));
/** A case waits for its processes about as long as it computes. */
const HOSTS = 2 * Math.min(4, availableParallelism());
/** Where only some cases are wanted: the run without a death is one too. */
const CASES_OF_A_SCENARIO = 6;
const PROGRESS_EVERY = 20;

export const processes: Suite = {
  name: 'processes',
  what: 'The process in which all functions run is ended by SIGKILL before and after each await of `lib/` that a scenario passes, found by instrumentation; the next process goes on. Queues, table, clouds and commands survive.',
  run,
};

/** `alert-tat@after lib/runs/send.ts:120:18#1`; without what follows `@`, nothing dies. */
function nameOf({ scenario, death }: Case): string {
  return death === undefined ? scenario : `${scenario}@${death.when} ${death.place}#${death.n}`;
}

function caseNamed(name: string): Case {
  const [, scenario = '', when, place, n] = /^([\w-]+)(?:@(before|after) (\S+)#(\d+))?$/.exec(name) ?? [];
  if (when === undefined) return { scenario };
  return { scenario, death: Death.parse({ when, place, n: Number(n) }) };
}

async function run(options: SuiteOptions): Promise<SuiteReport> {
  const beganMs = performance.now();
  const rows = new Map(
    SCENARIOS.map(({ name }) => [name, { places: new Set<string>(), killed: 0, survived: 0, cases: 0 }]),
  );
  const failures: Failure[] = [];
  const note = (one: Case, { problems, hasDied, lines }: CaseResult): void => {
    const row = rows.get(one.scenario);
    if (row !== undefined) {
      row.cases += 1;
      row[hasDied ? 'killed' : 'survived'] += 1;
      if (one.death !== undefined && hasDied) row.places.add(`${one.death.when} ${one.death.place}`);
    }
    if (problems.length > 0) {
      failures.push({ case: nameOf(one), problems });
      options.onProgress(`failed: ${nameOf(one)}: ${problems[0]}`);
      if (options.only !== undefined) for (const line of lines) options.onProgress(line);
    }
  };

  const folder = await mkdtemp(join(tmpdir(), 'faults-functions-'));
  const bundle = await bundleFunctions(folder);
  const hosts = Array.from({ length: HOSTS }, () => startHost(bundle));
  let notRun = 0;
  try {
    const some = options.cases === undefined ? undefined : Math.ceil(options.cases / CASES_OF_A_SCENARIO);
    const first =
      options.only === undefined
        ? spread(SCENARIOS, some).map(({ name }) => ({ scenario: name }))
        : [caseNamed(options.only)];
    const passed = new Map<string, Readonly<Record<string, number>>>();
    await playAll(hosts, first, options, (one, result) => {
      note(one, result);
      passed.set(one.scenario, result.passed);
    });
    if (options.only === undefined) {
      const deaths = spread(inOrder(passed), options.cases);
      options.onProgress(`${deaths.length} places and times to die at, in ${passed.size} scenarios`);
      notRun = await playAll(hosts, deaths, options, note);
    }
  } finally {
    for (const host of hosts) host.disconnect();
    await rm(folder, { recursive: true, force: true });
  }
  return {
    suite: processes.name,
    what: processes.what,
    rows: [...rows]
      .filter(([, { cases }]) => cases > 0)
      .map(([name, { places, killed, survived, cases }]) => ({
        name,
        cases,
        facts: { places: places.size, killed, 'not reached, or no death': survived },
      })),
    failures,
    notRun,
    seconds: Math.round((performance.now() - beganMs) / 1000),
  };
}

/**
 * In the order of what they add, should the time not be enough for all: first each place in one scenario, then in the others,
 * then the later times that it is passed; of all scenarios by turns.
 */
function inOrder(passed: ReadonlyMap<string, Readonly<Record<string, number>>>): Case[] {
  const known = new Set<string>();
  const all = [...passed].flatMap(([scenario, places]) =>
    Object.entries(places).flatMap(([key, count]) => {
      const { when, place } = /^(?<when>\w+) (?<place>.+)$/.exec(key)?.groups ?? {};
      const isNew = !known.has(key);
      known.add(key);
      const times = new Set([1, 2, Math.ceil(count / 2), count].filter((n) => n <= count));
      return [...times].map((n, index) => ({
        rank: index === 0 && isNew ? 0 : index + 1,
        case: { scenario, death: Death.parse({ when, place, n }) },
      }));
    }),
  );
  const ranks = Map.groupBy(all, ({ rank }) => rank);
  return [...ranks]
    .toSorted(([a], [b]) => a - b)
    .flatMap(([, cases]) => byTurns(Map.groupBy(cases, (one) => one.case.scenario)))
    .map((one) => one.case);
}

function byTurns<One>(groups: ReadonlyMap<string, readonly One[]>): One[] {
  const longest = Math.max(...[...groups.values()].map(({ length }) => length));
  return Array.from({ length: longest }, (_, index) => index).flatMap((index) =>
    [...groups.values()].flatMap((group) => group.slice(index, index + 1)),
  );
}

function spread<One>(cases: readonly One[], count: number | undefined): One[] {
  if (count === undefined || count >= cases.length) return [...cases];
  return Array.from(
    { length: count },
    (_, index) => cases[Math.floor((index * cases.length) / count)],
  ).filter((one) => one !== undefined);
}

/** @returns for how many there was no time */
async function playAll(
  hosts: readonly ChildProcess[],
  cases: readonly Case[],
  { endsAtMs, onProgress }: SuiteOptions,
  note: (one: Case, result: CaseResult) => void,
): Promise<number> {
  const waiting = [...cases];
  let done = 0;
  await Promise.all(
    hosts.map(async (host) => {
      for (;;) {
        const one = performance.now() < endsAtMs ? waiting.shift() : undefined;
        if (one === undefined) return;
        note(one, await playOn(host, one));
        done += 1;
        if (done % PROGRESS_EVERY === 0) onProgress(`${done} of ${cases.length}`);
      }
    }),
  );
  return waiting.length;
}

function startHost(bundle: string): ChildProcess {
  return fork(HOST, [bundle], {
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}

async function playOn(host: ChildProcess, one: Case): Promise<CaseResult> {
  const over = new AbortController();
  const answer = once(host, 'message', { signal: over.signal });
  const ended = once(host, 'exit', { signal: over.signal }).then(() => {
    throw new Error(`the host of ${nameOf(one)} ended`);
  });
  host.send(one);
  try {
    const [message] = await Promise.race([answer, ended]);
    return CaseResult.parse(message);
  } finally {
    over.abort();
    await Promise.allSettled([answer, ended]);
  }
}
