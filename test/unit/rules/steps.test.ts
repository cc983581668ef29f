// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates of rules look like this
/** The budget of an event: what it may cost is counted, and what costs more is no match, or no run, with that reason. */
import { describe, expect, it } from 'vitest';
import type { TriggerEvent } from '../../../lib/model/trigger-event.ts';
import { compileExpression } from '../../../lib/rules/expression.ts';
import { renderRule } from '../../../lib/rules/render.ts';
import {
  OutOfSteps,
  STEPS_AT_LEAST,
  STEPS_OF_EVENT,
  STEPS_OF_REQUEST,
  type Steps,
  stepsOfEvent,
  stepsOfRequest,
} from '../../../lib/rules/steps.ts';
import { anAlert, NOW, rulesOf } from './events.ts';
import { matchRules } from './match-rules.ts';

const RUN = 'run: { provider: tencent, command: cmd-1, instances: ins-1 }';
const SPENT = `the rules need more than ${STEPS_OF_EVENT} steps for this event: it is too large for them, or made to be`;

const words = (count: number): string[] => Array.from({ length: count }, (_, index) => `host${index % 10}`);
const zeros = (count: number): number[] => Array.from({ length: count }, () => 0);
const raw = (value: unknown): TriggerEvent => anAlert({ raw: value });

/** Counts what is spent beside what is left. */
function counted(steps: Steps): { steps: Steps; spent(): number } {
  let spent = 0;
  return {
    steps: {
      spend(count) {
        steps.spend(count);
        spent += count;
      },
      whySpent: () => steps.whySpent(),
    },
    spent: () => spent,
  };
}

function evaluate(text: string, event: TriggerEvent) {
  const compiled = compileExpression(text, ['alert']);
  if (!compiled.ok) throw new Error(compiled.problem);
  const { steps, spent } = counted(stepsOfEvent());
  return {
    evaluation: compiled.expression.evaluate(event, steps),
    spent: spent(),
    again: compiled.expression,
  };
}

describe('an expression that would hold the door', () => {
  const long = 'a'.repeat(120_000);
  const needle = `${'a'.repeat(30_000)}b${'a'.repeat(30_000)}`;
  const map = Object.fromEntries(zeros(15_000).map((_, index) => [`k${index}`, index]));

  it.each<[string, unknown]>([
    ["event.data.raw.exists(h, h.matches('^(a+)+$'))", words(60_000)],
    ["event.data.raw.exists(h, h.matches('x[a-z0-9_.-]{0,900}y'))", words(60_000)],
    [
      "event.data.raw.exists(h, h.matches('a[a-z0-9_.-]{0,900}y'))",
      [long.slice(0, 8192), long.slice(0, 8192)],
    ],
    ["event.data.raw.all(h, h.matches('host.*'))", words(60_000)],
    ['event.data.raw.exists(h, h.name == 1)', zeros(120_000)],
    ['event.data.raw.exists(h, h.a == 1 || h.b == 2)', zeros(120_000)],
    ['event.data.raw.exists(h, h.?name.orValue(1) == 2)', zeros(120_000)],
    ['event.data.raw.all(h, h in event.data.raw)', words(20_000)],
    ["event.data.raw.exists(h, 'zz' in event.data.raw)", words(20_000)],
    ['event.data.raw.w.exists(h, event.data.raw.m == h)', { w: zeros(20_000), m: map }],
    ["event.data.raw.w.exists(h, 'q' in event.data.raw.m)", { w: zeros(20_000), m: map }],
    ['event.data.raw.w.exists(h, event.data.raw.m.size() == 1)', { w: zeros(20_000), m: map }],
    [
      'event.data.raw.w.all(h, event.data.raw.a == event.data.raw.b)',
      { w: zeros(20_000), a: words(9000), b: words(9000) },
    ],
    ['event.data.raw.s.contains(event.data.raw.n)', { s: long, n: needle }],
    ['event.data.raw.s.indexOf(event.data.raw.n) == 1', { s: long, n: needle }],
    ['event.data.raw.s.lastIndexOf(event.data.raw.n) == 1', { s: long, n: needle }],
    ['event.data.raw.s.split(event.data.raw.n).size() == 1', { s: long, n: needle }],
    ['event.data.raw.w.exists(h, event.data.raw.s.split("").size() == 1)', { w: zeros(1000), s: long }],
    ['event.data.raw.w.exists(h, event.data.raw.s.size() == 1)', { w: zeros(1000), s: long }],
    ['event.data.raw.w.map(h, event.data.raw.s).join("").size() == 1', { w: zeros(1000), s: long }],
    ['event.data.raw.w.exists(h, (event.data.raw.s + h) == "x")', { w: words(1000), s: long }],
    ['event.data.raw.w.exists(h, bytes(event.data.raw.s).size() == 1)', { w: zeros(1000), s: long }],
    [
      `cel.bind(a, event.data.raw + event.data.raw, ${[...'bcdefghi'].map((name, index) => `cel.bind(${name}, ${'abcdefghi'[index]} + ${'abcdefghi'[index]}, `).join('')} i${')'.repeat(9)}.size() == 1`,
      long,
    ],
    ['duration(event.data.raw) == duration("1s")', '1'.repeat(120_000)],
    [
      "event.data.raw.exists(t, timestamp(t).getHours('Asia/Shanghai') == 77)",
      Array.from({ length: 9000 }, () => NOW.toISOString()),
    ],
  ])('%s is out of steps', (text, value) => {
    const { evaluation, spent } = evaluate(text, raw(value));
    expect(evaluation).toEqual({ ok: false, because: SPENT });
    expect(spent).toBeLessThanOrEqual(STEPS_OF_EVENT);
  });

  it.each([
    ['to compare', 'event.data.raw == 1', '`event.data.raw == 1`: the value is nested more than 64 deep'],
    [
      'to find its type',
      'event.data.raw[0].size() == 1',
      '`event.data.raw[0].size() == 1`: the value is nested more than 64 deep',
    ],
  ])('and one on a value that is nested too deep %s says so', (_, text, because) => {
    let nested: unknown = 0;
    for (let depth = 0; depth < 5000; depth++) nested = [nested];
    expect(evaluate(text, raw(nested)).evaluation).toEqual({ ok: false, because });
  });

  it('makes the library keep no types of an event’s own invention', () => {
    let nested: unknown = 0;
    for (let depth = 0; depth < 12; depth++) nested = depth % 2 === 0 ? [nested] : { a: nested };
    expect(evaluate('event.data.raw == 1', raw(nested)).evaluation).toEqual({
      ok: false,
      because: '`event.data.raw == 1`: the value is nested more than 10 deep',
    });
  });

  it('is not saved by what stands beside it', () => {
    const heavy = "event.data.raw.exists(h, h.matches('^(a+)+$'))";
    for (const text of [`${heavy} || true`, `!(${heavy} && false)`, `${heavy} ? true : true`]) {
      expect(evaluate(text, raw(words(60_000))).evaluation).toEqual({ ok: false, because: SPENT });
    }
  });
});

describe('steps', () => {
  it.each([
    ["event.data.status == 'firing'", 'x'],
    ["event.data.raw.exists(h, h.matches('^host9$'))", words(500)],
    ['event.data.raw.map(h, h.size()).filter(n, n > 3).size() == 500', words(500)],
    ['event.data.raw.exists(h, h.none == 1 || h.other == 2)', zeros(500)],
    ["has(event.data.raw.a.b) && event.data.?severity.orValue('x') == 'x'", { a: { b: 1 } }],
  ])('of %s are the same each time that it is evaluated', (text, value) => {
    const first = evaluate(text, raw(value));
    const { steps, spent } = counted(stepsOfEvent());
    first.again.evaluate(raw(value), steps);
    expect(first.spent).toBeGreaterThan(0);
    expect(spent()).toBe(first.spent);
  });

  it.each([
    [10, 20],
    [1000, 2000],
  ])('grow with the event and not beyond: %i and %i elements', (few, many) => {
    const stepsFor = (count: number): number =>
      evaluate("event.data.raw.exists(h, h.matches('^web'))", raw(words(count))).spent;
    expect(stepsFor(many)).toBeLessThan(2.1 * stepsFor(few));
  });

  it('are plenty for hundreds of rules on an alert', () => {
    const when = `event.data.status == 'firing' && event.data.labels.alertname.matches('^High[0-9]xx$') && event.data.labels.service in ['web', 'api']`;
    const rules = Array.from(
      { length: 500 },
      (_, index) => `  - { name: r${index}, on: alertmanager, when: ${JSON.stringify(when)}, ${RUN} }`,
    );
    const { steps, spent } = counted(stepsOfEvent());
    expect(matchRules(rulesOf(rules.join('\n')), anAlert(), steps).every(({ fires }) => fires)).toBe(true);
    expect(spent()).toBeLessThan(STEPS_OF_EVENT / 10);
  });
});

describe('an event whose rules are out of steps', () => {
  const heavy = "event.data.raw.exists(h, h.matches('^(a+)+$'))";
  const rules = rulesOf(
    `  - { name: before, on: alertmanager, ${RUN} }
  - { name: heavy, on: alertmanager, when: "${heavy}", ${RUN} }
  - { name: after, on: alertmanager, when: event.data.status == 'firing', ${RUN} }
  - { name: without, on: alertmanager, ${RUN} }`,
  );

  it('fires what needs none, and each other rule says why not', () => {
    const matches = matchRules(rules, raw(words(60_000)));
    expect(matches.map(({ rule, ...match }) => ({ name: rule.name, ...match }))).toEqual([
      { name: 'before', fires: true },
      { name: 'heavy', fires: false, because: SPENT, clause: heavy },
      { name: 'after', fires: false, because: SPENT, clause: "event.data.status == 'firing'" },
      { name: 'without', fires: true },
    ]);
  });

  it('takes nothing from the next event', () => {
    const request = stepsOfRequest();
    const firedOn = (event: TriggerEvent): string[] =>
      matchRules(rules, event, request.ofEvent()).flatMap(({ rule, fires }) => (fires ? [rule.name] : []));
    expect([firedOn(raw(words(60_000))), firedOn(raw([]))]).toEqual([
      ['before', 'without'],
      ['before', 'after', 'without'],
    ]);
  });

  it('leaves a little to the last of a request that used all, and no more', () => {
    const request = stepsOfRequest();
    for (let event = 0; event < STEPS_OF_REQUEST / STEPS_OF_EVENT; event++)
      request.ofEvent().spend(STEPS_OF_EVENT);
    const last = request.ofEvent();
    last.spend(STEPS_AT_LEAST);
    expect(last.whySpent()).toBeUndefined();
    expect(() => last.spend(1)).toThrow(OutOfSteps);
    expect(last.whySpent()).toContain(`more than ${STEPS_AT_LEAST} steps`);
    const fired = matchRules(rules, raw([]), request.ofEvent()).filter(({ fires }) => fires);
    expect(fired).toHaveLength(3);
  });

  it('has, of the steps that its rules share, what they left', () => {
    const steps = stepsOfEvent();
    steps.spend(STEPS_OF_EVENT - 10);
    expect(matchRules(rules, raw([]), steps).filter(({ fires }) => fires)).toHaveLength(2);
  });

  it.each([
    ['a parameter', 'parameters: { a: "${string(event.data.raw.exists(h, h.matches(\'^(a+)+$\')))}" }'],
    ['a pattern', 'parameters: { a: "${event.data.name}" }, patterns: { a: "([a-z]{1,40}){20,}b" }'],
    ['a list of instances', 'instances: "${event.data.raw.map(h, h)}", unsafe: [instances]'],
  ])('rejects the run for %s', (_, run) => {
    const target = run.includes('instances:') ? '' : 'instances: ins-1, ';
    const [rule] = rulesOf(
      `  - { name: r, on: alertmanager, run: { provider: tencent, command: cmd-1, ${target}${run} } }`,
    ).rules;
    if (rule === undefined) throw new Error('no rule');
    const event = anAlert({ name: 'a'.repeat(8000), raw: words(10_000) });
    const steps = stepsOfEvent();
    steps.spend(STEPS_OF_EVENT - 35_000);
    expect(renderRule(rule, event, { now: NOW, steps })).toMatchObject({
      action: 'reject',
      target: { command: 'cmd-1' },
      reason: { code: 'limit.steps', message: SPENT },
    });
  });

  it('rejects the run for its key', () => {
    const [rule] = rulesOf(
      `  - { name: r, on: alertmanager, ${RUN}, guards: { dedupe: { key: "${heavy}", window: 1m } } }`,
    ).rules;
    if (rule === undefined) throw new Error('no rule');
    expect(renderRule(rule, raw(words(60_000)), { now: NOW })).toMatchObject({
      action: 'reject',
      reason: { code: 'limit.steps', message: SPENT },
    });
  });
});
