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

type FileContext = Pick<LoadContext, 'problems' | 'rules' | 'sources' | 'followers'>;

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
}: Pick<FileContext, 'rules' | 'sources'>): Map<string, ReadonlySet<EventKind>> {
  const kindsOf = new Map<string, ReadonlySet<EventKind>>();
  const spread = (parts: RuleParts, kinds: readonly EventKind[], seen: ReadonlySet<string>): void => {
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
  return kindsOf;
}

function namesIn({ spec }: RuleParts): string[] {
  return OUTCOMES.flatMap((outcome) => spec[outcome]?.run ?? []);
}

/** The rules with those that follow them. What is wrong is added to the problems. */
export function withFollowUps(
  compiled: readonly (Rule | undefined)[],
  chainDepth: number,
  { rules: parts, problems, sources, followers }: FileContext,
): Rule[] {
  const indexOf = new Map(
    parts.flatMap(({ spec: { name } }, index) => (name === undefined ? [] : [[name, index]])),
  );
  const whole = compiled.map((rule, index) => {
    const spec = parts[index]?.spec;
    if (rule === undefined || spec === undefined) return undefined;
    const budget = { left: MOST_FOLLOWERS };
    const followUps = followersOf(index, [rule.name], budget);
    return followUps.length === 0 ? rule : { ...rule, kinds: kindsOf(rule, followUps), followUps };
  });
  return whole.filter((rule) => rule !== undefined);

  /** Of the rule, and of all that follow it: a packaged rule is opened with them. */
  function kindsOf(rule: Rule, followUps: readonly FollowUpRule[]): EventKind[] {
    const own = rule.on.flatMap((source) => sources.get(source)?.kinds ?? []);
    const kindsBelow = (below: readonly FollowUpRule[]): EventKind[] =>
      below.flatMap(({ rule: next }) => [
        ...(followers.get(next.name) ?? []),
        ...kindsBelow(next.followUps ?? []),
      ]);
    return [...new Set([...own, ...(rule.kinds ?? []), ...kindsBelow(followUps)])];
  }

  function followersOf(index: number, line: readonly string[], budget: { left: number }): FollowUpRule[] {
    const spec = parts[index]?.spec;
    return OUTCOMES.flatMap((outcome): FollowUpRule[] => {
      const given = spec?.[outcome];
      if (given === undefined) return [];
      const at = ['rules', index, outcome];
      // Problems are told once, at the rule that has them.
      const tell = (path: Path, problem: string): FollowUpRule[] => {
        if (line.length === 1) problems.add(path, problem);
        return [];
      };
      const place = indexOf.get(given.run);
      const target = place === undefined ? undefined : parts[place];
      if (place === undefined || target === undefined)
        return tell([...at, 'run'], unknownName('rule', given.run, [...indexOf.keys()]));
      if (line.includes(given.run)) {
        const way = [...line, given.run].join(' → ');
        if (given.run === line[0])
          problems.add([...at, 'run'], `leads back to itself (${way}); a rule follows others, never itself`);
        return [];
      }
      const wrong = whyNotFollower(target, given.run, given.instances);
      if (wrong !== undefined) return tell([...at, 'run'], wrong);
      if (line.length > chainDepth) {
        problems.add(
          [...at, 'run'],
          `${[...line, given.run].join(' → ')}: ${line.length} runs before the last one, and \`limits.chainDepth\` is ${chainDepth}; raise it if so long a line is meant`,
        );
        return [];
      }
      budget.left -= 1;
      if (budget.left < 0) {
        if (budget.left === -1)
          problems.add([...at, 'run'], `more than ${MOST_FOLLOWERS} rules follow \`${line[0]}\`, in all`);
        return [];
      }
      const rule = compiled[place];
      const followUps = followersOf(place, [...line, given.run], budget);
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
  }
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
