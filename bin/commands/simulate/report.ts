/** The summary of a history, for a terminal. */

import { printable } from '../../../lib/model/printable.ts';
import type { Effect } from '../../../lib/simulation/effect.ts';
import { count, effectLine, requestLine } from '../../effect-line.ts';
import type { Counts, Replay, Replayed } from './replay.ts';

export function headerOf({ from, event }: Replayed): string {
  const subject = event.subject === undefined ? '' : `, about ${event.subject}`;
  return `${from}: ${printable(`${event.type} of ${event.source}${subject}`)}`;
}

export function linesOf({ effects, notes }: Pick<Replayed, 'effects' | 'notes'>): string[] {
  return [
    ...notes.map(({ code, message }) => printable(`! ${code}: ${message}`)),
    ...effects.map((effect) => `${isStop(effect) ? '✗' : '✓'} ${effect.request.rule}: ${effectLine(effect)}`),
  ];
}

/** The differences to the current rules (`before`), by rule; empty if both do the same. */
export function differences(before: readonly Effect[], after: readonly Effect[]): string[] {
  const rules = new Set([...before, ...after].map(({ request }) => request.rule));
  return [...rules].flatMap((rule) => {
    const was = before.filter(({ request }) => request.rule === rule);
    const is = after.filter(({ request }) => request.rule === rule);
    if (JSON.stringify(was.map(whatOf)) === JSON.stringify(is.map(whatOf))) return [];
    return [
      ...was.map((effect) => `- ${rule}: ${effectLine(effect)}`),
      ...is.map((effect) => `+ ${rule}: ${effectLine(effect)}`),
    ];
  });
}

/** The fields that decide whether two are equal: with the values of secrets, without times and ids of runs. */
function whatOf(effect: Effect): unknown[] {
  const { kind, request } = effect;
  const asked = request.action === 'run' || request.action === 'schedule' ? request.target.parameters : {};
  const stop =
    kind === 'stopped'
      ? [effect.reason.code, effect.reason.code.startsWith('guard.') || effect.reason.message]
      : [];
  return [kind, kind === 'repeated' ? '' : requestLine(request), asked, ...stop];
}

function isStop({ kind }: Effect): boolean {
  return kind === 'stopped' || kind === 'repeated';
}

/** What the counts leave out: nobody knew how many instances these fleets had. */
export function unknownIn({ events, fired }: Pick<Replay, 'events' | 'fired'>): string[] {
  const effects = [...events.flatMap((event) => event.effects), ...fired];
  const names = effects.flatMap(({ kind, request }) =>
    kind === 'ran' && request.target.instances.length === 0 ? [request.taggedFleet?.name ?? ''] : [],
  );
  if (names.length === 0) return [];
  return [
    `Not known here, and not counted: the instances of ${[...new Set(names)].join(', ')} (tagged fleets, of which the cloud is asked). Each such run was taken for one call, and its maxShare not looked at.`,
  ];
}

/** A line for each rule that matched something, and one for all. */
export function summaryOf({ rules, total, events }: Replay): string[] {
  const width = Math.max(0, ...[...rules.keys()].map(({ length }) => length));
  return [
    ...[...rules].map(([name, counts]) => `${name.padEnd(width)}  ${textOf(counts)}`),
    `${rules.size === 0 ? '' : '\n'}${count(events.length, 'event')}${spanOf(events)}: ${textOf(total)}`,
  ];
}

/** `9 runs on 12 instances in 9 calls, 3 stopped: guard.dedupe 2, guard.max-per-hour 1` */
export function textOf({ runs, instances, calls, scheduled, cancels, cancelled, stopped }: Counts): string {
  const reasons = Object.entries(stopped).toSorted(([, a], [, b]) => b - a);
  const all = reasons.reduce((sum, [, number]) => sum + number, 0);
  return [
    runs === 0
      ? 'no run'
      : `${count(runs, 'run')} on ${count(instances, 'instance')} in ${count(calls, 'call')}`,
    ...(scheduled === 0 ? [] : [`${scheduled} scheduled`]),
    ...(cancels === 0 ? [] : [`${count(cancels, 'cancel')} of ${count(cancelled, 'run')}`]),
    ...(all === 0
      ? []
      : [`${all} stopped: ${reasons.map(([code, number]) => `${code} ${number}`).join(', ')}`]),
  ].join(', ');
}

function spanOf(events: readonly Replayed[]): string {
  const [first, last] = [events[0], events.at(-1)];
  if (first === undefined || last === undefined || first.at.getTime() === last.at.getTime()) return '';
  return ` from ${first.at.toISOString()} to ${last.at.toISOString()}`;
}
