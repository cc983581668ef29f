/** Rules are found by the constants in their `when`: what fires, and why the rest does not, is as if all were asked. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TriggerEvent } from '../../../lib/model/trigger-event.ts';
import { compileCondition } from '../../../lib/rules/condition.ts';
import { compileExpression } from '../../../lib/rules/expression.ts';
import { findUnknownValue } from '../../../lib/rules/field-values.ts';
import { matchEvent } from '../../../lib/rules/match.ts';
import type { RuleSet } from '../../../lib/rules/rule.ts';
import { indexOf } from '../../../lib/rules/rule-index.ts';
import { STEPS_OF_EVENT, stepsOfEvent } from '../../../lib/rules/steps.ts';
import { anAlert, rulesOf } from './events.ts';
import { matchRules } from './match-rules.ts';

const RUN = 'run: { provider: tencent, command: cmd-1, instances: ins-1 }';

function rulesWhen(whens: readonly string[]): RuleSet {
  const lines = whens.map(
    (when, index) =>
      `  - { name: r${index}, on: [alertmanager, generic], when: ${JSON.stringify(when)}, ${RUN} }`,
  );
  return rulesOf(lines.join('\n'));
}

const literal = fc.constantFrom("'a'", "'b'", "''", "'1'", "'firing'", '1', '1.0', 'true', 'null');
const text = fc.constantFrom("'a'", "'b'", "''", "'1'", "'constructor'", "'firing'");
/** Of any type, and absent at any depth. */
const field = fc.constantFrom(
  'event.data.raw.x',
  "event.data.raw['x']",
  'event.data.raw.y.z',
  'event.data.raw.list[0]',
  'event.data.raw.list[7]',
  'event.data.raw[0]',
  'event.data.raw.constructor',
  'event.data.labels.x',
  "(event.data.labels)['x']",
  'event.data.status',
  'event.type',
  'event.data.?severity.orValue("none")',
  'event.data.raw.?x',
);
const part = fc.oneof(
  fc.tuple(field, text).map(([left, right]) => `${left} == ${right}`),
  fc.tuple(field, literal).map(([left, right]) => `${right} == ${left}`),
  fc.tuple(field, fc.array(literal, { maxLength: 3 })).map(([it, list]) => `${it} in [${list.join(', ')}]`),
  fc.tuple(field, text).map(([left, right]) => `${left} != ${right}`),
  fc.tuple(field, field).map(([left, right]) => `${left} == ${right}`),
  fc.tuple(text, field).map(([it, list]) => `${it} in ${list}`),
  fc.constantFrom(
    'has(event.data.raw.x)',
    'event.data.raw.x',
    'event.data.raw.list.exists(it, it == "a")',
    'event.data.raw.x.startsWith("a")',
    'true',
    '(event.data.raw.x == "a" ? true : event.data.raw.y.z == "b")',
  ),
);
const clause = fc.oneof(
  { weight: 4, arbitrary: part },
  part.map((it) => `!(${it})`),
  fc.tuple(part, part).map(([left, right]) => `(${left} || ${right})`),
  fc.tuple(part, part).map(([left, right]) => `(${left} && ${right})`),
);
const when = fc.array(clause, { minLength: 1, maxLength: 4 }).map((clauses) => clauses.join(' && '));

const value = fc.oneof(
  fc.constantFrom<unknown>('a', 'b', '', '1', 'constructor', 'firing', 1, true, null, ['a'], [], { z: 'b' }),
  fc.record({ z: fc.constantFrom<unknown>('a', 'b', 1) }),
);
const raw = fc.oneof(
  fc.record(
    {
      x: value,
      y: value,
      list: fc.oneof(fc.array(value, { maxLength: 2 }), value),
      0: value,
      constructor: value,
    },
    { requiredKeys: [] },
  ),
  value,
);
const event: fc.Arbitrary<TriggerEvent> = fc
  .record({
    raw,
    labels: fc.dictionary(fc.constantFrom('x', 'y'), fc.constantFrom('a', 'b', '')),
    status: fc.constantFrom<'firing' | 'resolved'>('firing', 'resolved'),
  })
  .map((data) => anAlert(data));

/** `a && b` as the parts that are said of it, in order; the parentheses around one are not said. */
function clausesOf(text: string): string[] {
  const clauses: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '(') depth++;
    if (text[at] === ')') depth--;
    if (depth > 0 || !text.startsWith(' && ', at)) continue;
    clauses.push(text.slice(from, at));
    from = at + 4;
  }
  return [...clauses, text.slice(from)].flatMap((it) => {
    const inner = insideOf(it);
    return inner === undefined ? [it] : clausesOf(inner);
  });
}

/** Of `(a)`; undefined for `(a) || (b)`. */
function insideOf(text: string): string | undefined {
  const inner = /^\((.*)\)$/s.exec(text)?.[1];
  return inner !== undefined && compiles(inner) ? inner : undefined;
}

/** What a rule does when it is asked by itself: its whole expression, and each clause of it. */
function asked(text: string, on: TriggerEvent): true | { because: string } {
  const evaluate = (expression: string) => {
    const compiled = compileExpression(expression, ['alert', 'generic']);
    if (!compiled.ok) throw new Error(compiled.problem);
    return compiled.expression.evaluate(on, stepsOfEvent());
  };
  const whole = evaluate(text);
  if (whole.ok && whole.value === true) return true;
  const outcomes = clausesOf(text).map((it) => ({ text: it, outcome: evaluate(it) }));
  const isFalse = outcomes.find(({ outcome }) => outcome.ok && outcome.value === false);
  if (isFalse !== undefined) return { because: `\`${isFalse.text}\` is false` };
  for (const { outcome } of outcomes) if (!outcome.ok) return { because: outcome.because };
  const odd = outcomes.find(({ outcome }) => outcome.ok && outcome.value !== true)?.text ?? text;
  return whole.ok ? { because: `\`${odd}\` is neither true nor false` } : { because: whole.because };
}

function compiles(text: string): boolean {
  return compileExpression(text, ['alert', 'generic']).ok;
}

/** Whether a file may have it as `when`. */
function loads(text: string): boolean {
  const known = { kinds: ['alert', 'generic'], named: [] } as const;
  const compiled = compileCondition(text, known.kinds);
  return compiled.ok && findUnknownValue(compiled.ast, known) === undefined;
}

describe('a rule', () => {
  it('fires by the index if and only if it does when it is asked by itself, and says the same', () => {
    fc.assert(
      fc.property(fc.array(when, { minLength: 1, maxLength: 8 }), event, (texts, on) => {
        const whens = texts.filter(loads);
        fc.pre(whens.length > 0);
        const matches = matchRules(rulesWhen(whens), on);
        const outcomes = matches.map((match) => match.fires || { because: match.because });
        const expected = whens.map((text, index) => {
          const asksForStatus = /event\.(data\.status|type)/.test(text);
          const isOver = on.kind === 'alert' && on.data.status !== 'firing' && !asksForStatus;
          const other = matches[index];
          return isOver && other !== undefined && !other.fires ? { because: other.because } : asked(text, on);
        });
        expect(outcomes).toEqual(expected);
      }),
      { numRuns: 400 },
    );
  }, 60_000);

  it.each([
    ["event.data.name == 'A'", true],
    ["'A' == event.data.name", true],
    ["event.data.name in ['A', 'B']", true],
    ["event.data.name == 'A' || event.data['name'] == 'B'", true],
    ["event.data.raw.list[0] == 'A' && event.data.raw.size() > 1", true],
    ["event.data.labels['a.b'] == 'A' && !has(event.data.url)", true],
    // Any of these may be true whatever the field is.
    ["event.data.name == 'A' || event.data.status == 'firing'", false],
    ["event.data.name == 'A' || true", false],
    ["!(event.data.name == 'A')", false],
    ["event.data.name != 'A'", false],
    ["event.data.?severity.orValue('A') == 'A'", false],
    ['event.data.raw.n == 1', false],
    ["event.data.raw.n in ['A', 1]", false],
    ["'A' in event.data.raw.list", false],
    ["event.data.raw.list.exists(event, event == 'A')", false],
  ])('with %s is passed over where its field is another: %s', (text, isPassedOver) => {
    const { rules } = rulesWhen([text]);
    const on = anAlert({ name: 'C', labels: {}, raw: { list: ['C'], n: 2 } });
    expect(indexOf(rules).candidates(on)).toHaveLength(isPassedOver ? 0 : 1);
  });
});

describe('of ten thousand rules', () => {
  const { rules } = rulesOf(
    Array.from({ length: 10_000 }, (_, index) => {
      const constants = `event.data.status == 'firing' && event.data.labels.alertname == 'Alert${index}'`;
      return `  - { name: r${index}, on: alertmanager, when: "${constants}", ${RUN} }`;
    }).join('\n'),
  );

  it('only those that may fire spend steps of the event, and the others have their reason for asking', () => {
    const on = anAlert({ labels: { alertname: 'Alert7' } });
    let spent = 0;
    const steps = stepsOfEvent();
    const counting = {
      spend(count: number) {
        spent += count;
        steps.spend(count);
      },
      whySpent: () => steps.whySpent(),
    };
    const { fired, others, whyNot } = matchEvent({ rules }, on, counting);
    expect([fired.map(({ name }) => name), others]).toEqual([['r7'], 9999]);
    expect(whyNot(2).map(({ rule, ...why }) => ({ rule: rule.name, ...why }))).toEqual([
      {
        rule: 'r0',
        because: "`event.data.labels.alertname == 'Alert0'` is false",
        clause: "event.data.labels.alertname == 'Alert0'",
      },
      {
        rule: 'r1',
        because: "`event.data.labels.alertname == 'Alert1'` is false",
        clause: "event.data.labels.alertname == 'Alert1'",
      },
    ]);
    expect(whyNot()).toHaveLength(9999);
    expect(spent).toBeLessThan(100);
  });

  it('one says that a key is missing as it would by itself, and the search for it is paid once', () => {
    const on = anAlert({ labels: {} });
    const { fired, whyNot } = matchEvent({ rules }, on);
    expect(fired).toEqual([]);
    expect(new Set(whyNot().map(({ because }) => because))).toEqual(
      new Set(['`event.data.labels.alertname`: no such key']),
    );
  });
});

describe('when the steps of an event are used up', () => {
  const heavy = "event.data.raw.exists(h, h.matches('^(a+)+$'))";
  const on = anAlert({ raw: Array.from({ length: 60_000 }, (_, index) => `host${index % 10}`) });

  it('a rule that its constants leave out has its own reason', () => {
    const rules = rulesWhen([heavy, "event.data.name == 'Other'"]);
    expect(matchRules(rules, on).map((match) => (match.fires ? '' : match.because))).toEqual([
      `the rules need more than ${STEPS_OF_EVENT} steps for this event: it is too large for them, or made to be`,
      "`event.data.name == 'Other'` is false",
    ]);
  });

  it('by saying why, what was decided before stays, and it is said that the part was not looked at', () => {
    const rules = rulesWhen([
      `event.data.raw.size() == 1 || ${heavy.replace('^(a+)+$', '^never$')} && false`,
    ]);
    const steps = stepsOfEvent();
    const { fired, whyNot } = matchEvent(rules, anAlert({ raw: ['a', 'b'] }), steps);
    expect(fired).toEqual([]);
    steps.spend(STEPS_OF_EVENT - 100);
    expect(whyNot()).toEqual([
      {
        rule: rules.rules[0],
        clause: expect.stringContaining('event.data.raw.size() == 1'),
        because: expect.stringMatching(/^it does not hold, .* more than 1000000 steps /),
      },
    ]);
  });
});
