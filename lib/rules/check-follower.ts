/** A rule without `on`: whether another, or a standing schedule, names it. */
import type { EventKind } from '../model/trigger-event.ts';
import type { Path } from './positions.ts';
import type { Problems } from './problems.ts';
import type { StandingScheduleSpec } from './schema/actions.ts';
import type { RuleSpec } from './schema/rules-file.ts';

/** Of a rule, as far as it is well formed. */
interface Parts {
  readonly spec: Partial<Pick<RuleSpec, 'name' | 'onFailure' | 'onSuccess'>>;
  readonly given: ReadonlySet<string>;
}

interface Others {
  readonly rules: readonly Parts[];
  readonly schedules: readonly StandingScheduleSpec[];
  readonly followers: ReadonlyMap<string, ReadonlySet<EventKind>>;
  readonly problems: Problems;
}

/** A rule without sources. @returns the kinds of event of the rules that it follows */
export function checkFollower(
  { spec, given }: Parts,
  path: Path,
  { followers, rules, schedules, problems }: Others,
): EventKind[] {
  const isNamed = rules.some(({ spec: { onFailure, onSuccess }, given: has }) => {
    const isBroken = (has.has('onFailure') && !onFailure) || (has.has('onSuccess') && !onSuccess);
    return isBroken || [onFailure?.run, onSuccess?.run].includes(spec.name);
  });
  const followsSchedule = schedules.some(
    ({ onFailure, onSuccess }) =>
      spec.name !== undefined && [onFailure?.run, onSuccess?.run].includes(spec.name),
  );
  if (!isNamed && !followsSchedule) {
    problems.add(
      [...path, 'on'],
      'is missing: expected the name of a source, or a list of names. A rule without `on` runs only where another one names it in `onFailure` or `onSuccess`',
    );
    return [];
  }
  for (const field of ['when', 'allow', 'byName']) {
    if (!given.has(field)) continue;
    problems.add([...path, field], `is for rules with \`on\`; this one runs after others, and asks no event`);
  }
  return [...(followers.get(spec.name ?? '') ?? [])];
}
