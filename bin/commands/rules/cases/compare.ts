/** Compares what came of a case with what was expected: each difference has its place in the file. */
import type { DoorOutcome } from '../../../../lib/model/decision.ts';
import { shownRequest } from '../../../../lib/model/secret-parameters.ts';
import type { Path } from '../../../../lib/rules/positions.ts';
import type { Effect } from '../../../../lib/simulation/effect.ts';
import { effectLine } from '../../../effect-line.ts';
import type { Expectation, ExpectedCancel, ExpectedRun, ExpectedSchedule, ExpectedStop } from './schema.ts';

export interface Difference {
  /** In the file, below the case. */
  path: Path;
  message: string;
}

/** The result of one case. */
export interface Came {
  effects: readonly Effect[];
  outcomes: readonly DoorOutcome[];
  /** Why there were no events: the source's own words. */
  ignored?: string | undefined;
}

export function compare(expected: Expectation, came: Came): Difference[] {
  const { effects } = came;
  const of = (...kinds: Effect['kind'][]) => effects.filter(({ kind }) => kinds.includes(kind));
  return [
    ...compareList('runs', expected.runs, of('ran'), whyNoRun, came),
    ...compareList('schedules', expected.schedules, of('scheduled'), whyNoSchedule, came),
    ...compareList('cancels', expected.cancels, of('cancelled'), whyNoCancel, came),
    ...compareList('stopped', expected.stopped, of('stopped', 'repeated'), whyNoStop, came),
    ...compareUnmatched(expected, came),
    ...compareAnswer(expected, came),
  ];
}

/** Each expected one takes the effect of its rule that is most like it; what is left was not expected. */
function compareList<Entry extends { rule: string }>(
  list: keyof Expectation,
  entries: readonly Entry[],
  effects: readonly Effect[],
  differencesOf: (entry: Entry, effect: Effect) => string[],
  came: Came,
): Difference[] {
  const left = new Set(effects);
  const taken = new Map<number, string[]>();
  const take = (index: number, isGoodEnough: (differences: readonly string[]) => boolean): void => {
    const entry = entries[index];
    if (entry === undefined || taken.has(index)) return;
    for (const effect of left) {
      if (effect.request.rule !== entry.rule) continue;
      const differences = differencesOf(entry, effect);
      if (!isGoodEnough(differences)) continue;
      left.delete(effect);
      taken.set(index, differences);
      return;
    }
  };
  for (const index of entries.keys()) take(index, (differences) => differences.length === 0);
  for (const index of entries.keys()) take(index, () => true);
  return [
    ...entries.flatMap(({ rule }, index): Difference[] => {
      const path = ['expect', list, index];
      const differences = taken.get(index);
      if (differences !== undefined) return differences.map((message) => ({ path, message }));
      return [{ path, message: `\`${rule}\`: ${insteadOf(rule, came)}` }];
    }),
    ...[...left].map((effect) => ({
      path: ['expect'],
      message: `\`${effect.request.rule}\` is not expected here: ${effectLine(effect)}`,
    })),
  ];
}

/** The actual result of a rule with another expected result. */
function insteadOf(rule: string, { effects, outcomes, ignored }: Came): string {
  const own = effects.filter(({ request }) => request.rule === rule).map(effectLine);
  if (own.length > 0) return `came ${own.join('; ')}`;
  if (ignored !== undefined) return `the source ignores the event: ${ignored}`;
  const reasons = outcomes.flatMap(({ unmatched }) => unmatched.filter((it) => it.rule === rule));
  const [reason] = reasons;
  if (reason !== undefined) return `it does not fire: ${reason.because}`;
  const said = outcomes.flatMap(({ text, notes = [] }) => [
    ...(text === undefined ? [] : [`the chat is answered: ${text}`]),
    ...notes.map(({ code, message }) => `${code}: ${message}`),
  ]);
  return said.length > 0
    ? `nothing came of it; ${said.join('; ')}`
    : 'nothing came of it, it is not on the source';
}

type Target = Omit<ExpectedRun, 'rule' | 'waited'>;

function targetDifferences(expected: Target, effect: Effect): string[] {
  const request = shownRequest(effect.request);
  if (request.action !== 'run' && request.action !== 'schedule') return ['expected a run'];
  const { provider, region, command, instances, parameters } = request.target;
  return [
    ...differs('provider', expected.provider, provider),
    ...differs('region', expected.region, region),
    ...differs('command', expected.command, command),
    ...differs('instances', expected.instances?.toSorted(), instances.toSorted()),
    ...differs('parameters', expected.parameters && sorted(expected.parameters), sorted(parameters)),
  ];
}

function whyNoRun({ waited, ...expected }: ExpectedRun, effect: Effect): string[] {
  if (effect.kind !== 'ran') return ['expected a run'];
  const wait = effect.waited?.code;
  return [
    ...targetDifferences(expected, effect),
    ...(waited === wait
      ? []
      : [
          `waited: expected ${waited ?? 'that it is sent at once'}, came ${wait ?? 'that it is sent at once'}`,
        ]),
  ];
}

function whyNoSchedule({ at, recurrence, ...expected }: ExpectedSchedule, effect: Effect): string[] {
  if (effect.kind !== 'scheduled') return ['expected a schedule'];
  const { request } = effect;
  const instant = (text: string | undefined) => (text === undefined ? text : new Date(text).toISOString());
  return [
    ...targetDifferences(expected, effect),
    ...differs('at', instant(at), instant(request.at)),
    ...differs('recurrence', recurrence, request.recurrence),
  ];
}

function whyNoCancel({ of, key, runs }: ExpectedCancel, effect: Effect): string[] {
  if (effect.kind !== 'cancelled') return ['expected a cancel'];
  const { request, stopped } = effect;
  return [
    ...differs('of', of, request.targetRule),
    ...differs('key', key, request.key),
    ...differs('runs', runs, stopped.length),
  ];
}

function whyNoStop({ reason, message }: ExpectedStop, effect: Effect): string[] {
  const code = effect.kind === 'stopped' ? effect.reason.code : 'run.known';
  const text = effectLine(effect);
  return [
    ...differs('reason', reason, code),
    ...(message === undefined || text.includes(message)
      ? []
      : [`message: expected ${JSON.stringify(message)} in ${JSON.stringify(text)}`]),
  ];
}

function compareUnmatched({ unmatched }: Expectation, came: Came): Difference[] {
  return unmatched.flatMap(({ rule, because }, index): Difference[] => {
    const path = ['expect', 'unmatched', index];
    const found = came.outcomes.flatMap((outcome) => outcome.unmatched).find((it) => it.rule === rule);
    if (found === undefined) return [{ path, message: `\`${rule}\`: ${insteadOf(rule, came)}` }];
    if (because === undefined || found.because.includes(because)) return [];
    return [
      { path, message: `because: expected ${JSON.stringify(because)} in ${JSON.stringify(found.because)}` },
    ];
  });
}

function compareAnswer({ answer }: Expectation, { outcomes }: Came): Difference[] {
  if (answer === undefined) return [];
  const said = outcomes.flatMap(({ text }) => text ?? []).join('\n');
  if (said.includes(answer)) return [];
  return [
    {
      path: ['expect', 'answer'],
      message: `answer: expected ${JSON.stringify(answer)}, came ${said === '' ? 'none of a built-in verb' : JSON.stringify(said)}`,
    },
  ];
}

/** Nothing where nothing was expected of the field. */
function differs(name: string, expected: unknown, came: unknown): string[] {
  const [wanted, found] = [JSON.stringify(expected), JSON.stringify(came)];
  return expected === undefined || wanted === found ? [] : [`${name}: expected ${wanted}, came ${found}`];
}

function sorted(parameters: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(parameters).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
