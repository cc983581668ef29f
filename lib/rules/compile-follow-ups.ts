/**
 * The rules that run after others: finds what `onFailure` and `onSuccess` name, refuses circles and lines that are too long,
 * and gives each rule those that follow it.
 */
import type { EventKind } from '../model/trigger-event.ts';
import type { LoadContext, RuleParts } from './compile-rule.ts';
import { unknownName } from './did-you-mean.ts';
import { parseDuration } from './duration.ts';
import type { Path } from './positions.ts';
import type { FollowUpRule, Rule } from './rule.ts';

type FileContext = Pick<LoadContext, 'problems' | 'rules' | 'sources' | 'followers' | 'schedules'>;
/** What a rule or a standing schedule says of it. */
type Outcomes = Pick<RuleParts['spec'], (typeof OUTCOMES)[number]>;

const OUTCOMES = ['onFailure', 'onSuccess'] as const;
/** Of all that may follow one rule, in whatever order: they are part of each of its runs. */
const MOST_FOLLOWERS = 20;

/**
 * For each rule without `on`, the kinds of event that may reach it: those of the rules that it may follow, by name. A rule
 * that follows none is not in it.
 */
export function kindsOfFollowers({
  rules,
  sources,
  schedules,
}: Pick<FileContext, 'rules' | 'sources' | 'schedules'>): Map<string, ReadonlySet<EventKind>> {
  const kindsOf = new Map<string, ReadonlySet<EventKind>>();
  const spread = (
    parts: Pick<RuleParts, 'spec'>,
    kinds: readonly EventKind[],
    seen: ReadonlySet<string>,
  ): void => {
    for (const name of namesIn(parts)) {
      if (seen.has(name) || seen.size > MOST_FOLLOWERS) continue;
      kindsOf.set(name, new Set([...(kindsOf.get(name) ?? []), ...kinds]));
      const next = rules.find((rule) => rule.spec.name === name);
      if (next !== undefined) spread(next, kinds, new Set([...seen, name]));
    }
  };
  for (const parts of rules) {
    const { on = [], name = '' } = parts.spec;
    const kinds = [on].flat().flatMap((source) => sources.get(source)?.kinds ?? []);
    if (kinds.length > 0) spread(parts, kinds, new Set([name]));
  }
  // A firing has no event; what a rule reads of one is refused when it is rendered.
  for (const spec of schedules) {
    for (const name of namesIn({ spec })) if (!kindsOf.has(name)) kindsOf.set(name, new Set(['generic']));
  }
  return kindsOf;
}

function namesIn({ spec }: { spec: Outcomes }): string[] {
  return OUTCOMES.flatMap((outcome) => spec[outcome]?.run ?? []);
}

/** The rules, and the standing schedules, with those that follow them. What is wrong is added to the problems. */
export function followUpsIn(
  compiled: readonly (Rule | undefined)[],
  chainDepth: number,
  { rules: parts, problems, sources, followers }: FileContext,
) {
  const indexOf = new Map(
    parts.flatMap(({ spec: { name } }, index) => (name === undefined ? [] : [[name, index]])),
  );
  const followersOf = (
    spec: Outcomes,
    at: Path,
    line: readonly string[],
    budget: { left: number },
  ): FollowUpRule[] =>
    OUTCOMES.flatMap((outcome): FollowUpRule[] => {
      const given = spec[outcome];
      if (given === undefined) return [];
      const path = [...at, outcome, 'run'];
      // Problems are told once, at the rule that has them.
      const tell = (problem: string): FollowUpRule[] => {
        if (line.length === 1) problems.add(path, problem);
        return [];
      };
      const place = indexOf.get(given.run);
      const target = place === undefined ? undefined : parts[place];
      if (place === undefined || target === undefined)
        return tell(unknownName('rule', given.run, [...indexOf.keys()]));
      if (line.includes(given.run)) {
        const way = [...line, given.run].join(' → ');
        if (given.run === line[0])
          problems.add(path, `leads back to itself (${way}); a rule follows others, never itself`);
        return [];
      }
      const wrong = whyNotFollower(target, given.run, given.instances);
      if (wrong !== undefined) return tell(wrong);
      if (line.length > chainDepth) {
        problems.add(
          path,
          `${[...line, given.run].join(' → ')}: ${line.length} runs before the last one, and \`limits.chainDepth\` is ${chainDepth}; raise it if so long a line is meant`,
        );
        return [];
      }
      budget.left -= 1;
      if (budget.left < 0) {
        if (budget.left === -1)
          problems.add(path, `more than ${MOST_FOLLOWERS} rules follow \`${line[0]}\`, in all`);
        return [];
      }
      const rule = compiled[place];
      const followUps = followersOf(target.spec, ['rules', place], [...line, given.run], budget);
      // What is wrong with it is among the problems already.
      if (rule === undefined || rule.action.kind === 'cancel') return [];
      const { name, action, notify, outputs } = rule;
      return [
        {
          after: 'statuses' in given ? given.statuses : ['succeeded'],
          instances: given.instances,
          maxDepth: chainDepth,
          rule: { name, action, notify, outputs, ...(followUps.length > 0 && { followUps }) },
        },
      ];
    });

  /** Of the rule, and of all that follow it: a packaged rule is opened with them. */
  const kindsOf = (rule: Rule, followUps: readonly FollowUpRule[]): EventKind[] => {
    const own = rule.on.flatMap((source) => sources.get(source)?.kinds ?? []);
    const kindsBelow = (below: readonly FollowUpRule[]): EventKind[] =>
      below.flatMap(({ rule: next }) => [
        ...(followers.get(next.name) ?? []),
        ...kindsBelow(next.followUps ?? []),
      ]);
    return [...new Set([...own, ...(rule.kinds ?? []), ...kindsBelow(followUps)])];
  };

  return {
    rules: compiled
      .map((rule, index) => {
        const spec = parts[index]?.spec;
        if (rule === undefined || spec === undefined) return undefined;
        const followUps = followersOf(spec, ['rules', index], [rule.name], { left: MOST_FOLLOWERS });
        return followUps.length === 0 ? rule : { ...rule, kinds: kindsOf(rule, followUps), followUps };
      })
      .filter((rule) => rule !== undefined),
    /** @param at of the schedule in the file */
    ofSchedule: (spec: Outcomes & { name: string }, at: Path): FollowUpRule[] =>
      followersOf(spec, at, [spec.name], { left: MOST_FOLLOWERS }),
  };
}

function whyNotFollower(
  { spec, given }: RuleParts,
  name: string,
  instances: 'touched' | 'failed' | undefined,
): string | undefined {
  if (given.has('on')) {
    return `\`${name}\` is on ${[spec.on ?? []].flat().join(', ')}: name a rule without \`on\`, which runs only after others`;
  }
  if (given.has('cancel')) return `\`${name}\` runs nothing; name a rule with \`run\`, or with \`schedule\``;
  const { at = '', recurrence } = spec.schedule ?? {};
  if (spec.schedule !== undefined && (recurrence !== undefined || parseDuration(at) === undefined)) {
    return `\`${name}\` has no time that could be known then; write \`schedule: { at: 15m, … }\`, a duration after the end`;
  }
  const target = spec.run ?? spec.schedule;
  if (
    instances !== undefined &&
    target !== undefined &&
    (target.fleet === undefined || target.instances !== undefined)
  ) {
    return `\`${name}\` is to run on instances of the run before; give it a \`fleet\` in which they must be, and no \`instances\``;
  }
  return undefined;
}
