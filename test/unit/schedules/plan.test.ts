/** The plan: each case by itself, and that applying it leaves nothing to do. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { StandingSchedule } from '../../../lib/rules/rule.ts';
import { specOf } from '../../../lib/schedules/live-schedule.ts';
import { type ExistingSchedule, planSchedules, type ScheduleStep } from '../../../lib/schedules/plan.ts';

const NOW = new Date('2026-11-21T12:00:00Z');
const RUN = `run-${'a'.repeat(26)}`;

const aWanted = (more: Partial<StandingSchedule> = {}): StandingSchedule => ({
  name: 'logrotate',
  provider: 'tencent',
  region: 'ap-guangzhou',
  command: 'cmd-echo0001',
  instances: ['ins-1', 'ins-2'],
  parameters: { text: 'rotated' },
  timing: { recurrence: '0 3 * * *' },
  isEnabled: true,
  notify: [],
  ...more,
});
const anExisting = (more: Partial<ExistingSchedule> = {}): ExistingSchedule => ({
  ...specOf(aWanted()),
  provider: 'tencent',
  scheduleId: 'ivk-1',
  isEnabled: true,
  ...more,
});
const ref = { provider: 'tencent', region: 'ap-guangzhou', name: 'logrotate', scheduleId: 'ivk-1' };
const plan = (wanted: StandingSchedule[], existing: ExistingSchedule[]): ScheduleStep[] =>
  planSchedules(wanted, existing, NOW);
const past = { at: '2026-11-21T11:59:59Z' };
const future = { at: '2026-11-21T12:00:01Z' };

describe('one schedule', () => {
  test.each<{ name: string; wanted: StandingSchedule[]; existing: ExistingSchedule[]; steps: object[] }>([
    { name: 'nothing wanted, nothing there', wanted: [], existing: [], steps: [] },
    {
      name: 'wanted and not there',
      wanted: [aWanted()],
      existing: [],
      steps: [{ kind: 'create', provider: 'tencent', spec: specOf(aWanted()) }],
    },
    { name: 'there as it is wanted', wanted: [aWanted()], existing: [anExisting()], steps: [] },
    {
      name: 'there and not wanted',
      wanted: [],
      existing: [anExisting()],
      steps: [{ kind: 'remove', ...ref, reason: 'the rules have no schedule of this name' }],
    },
    {
      name: 'other instances and parameters',
      wanted: [aWanted({ instances: ['ins-1'], parameters: {} })],
      existing: [anExisting()],
      steps: [
        {
          kind: 'change',
          provider: 'tencent',
          scheduleId: 'ivk-1',
          spec: specOf(aWanted({ instances: ['ins-1'], parameters: {} })),
          reason: 'other instances, parameters',
        },
      ],
    },
    {
      name: 'the same in another order and other blanks',
      wanted: [aWanted({ instances: ['ins-2', 'ins-1'], timing: { recurrence: ' 0 3  * * * ' } })],
      existing: [anExisting()],
      steps: [],
    },
    {
      name: 'an instant, kept in whole seconds',
      wanted: [aWanted({ timing: { at: '2026-11-22T10:00:00.750+08:00' } })],
      existing: [anExisting({ timing: { at: '2026-11-22T02:00:00.000Z' } })],
      steps: [],
    },
    {
      name: 'a hidden parameter, which cannot be compared',
      wanted: [aWanted()],
      existing: [anExisting({ parameters: { text: '******' } })],
      steps: [],
    },
    {
      name: 'the user that the provider fills in',
      wanted: [aWanted()],
      existing: [anExisting({ username: 'root' })],
      steps: [],
    },
    {
      name: 'a user that is to go, which a change cannot say',
      wanted: [aWanted()],
      existing: [anExisting({ username: 'deploy' })],
      steps: [
        { kind: 'remove', ...ref, reason: 'other username' },
        { kind: 'create', provider: 'tencent', spec: specOf(aWanted()) },
      ],
    },
    {
      name: 'not enabled, and there',
      wanted: [aWanted({ isEnabled: false })],
      existing: [anExisting()],
      steps: [{ kind: 'disable', ...ref, reason: 'it is not enabled' }],
    },
    {
      name: 'not enabled, and disabled',
      wanted: [aWanted({ isEnabled: false })],
      existing: [anExisting({ isEnabled: false })],
      steps: [],
    },
    { name: 'not enabled, and not there', wanted: [aWanted({ isEnabled: false })], existing: [], steps: [] },
    {
      name: 'enabled again, with another command',
      wanted: [aWanted({ command: 'cmd-2' })],
      existing: [anExisting({ isEnabled: false })],
      steps: [
        {
          kind: 'change',
          provider: 'tencent',
          scheduleId: 'ivk-1',
          spec: specOf(aWanted({ command: 'cmd-2' })),
          reason: 'other command',
        },
        { kind: 'enable', ...ref, reason: 'it is enabled' },
      ],
    },
    {
      name: 'two of one name: the one that is as it should be stays',
      wanted: [aWanted()],
      existing: [anExisting({ scheduleId: 'ivk-0', command: 'cmd-2' }), anExisting()],
      steps: [{ kind: 'remove', ...ref, scheduleId: 'ivk-0', reason: 'ivk-1 has the same name' }],
    },
    {
      name: 'moved to another region: the old one ends first',
      wanted: [aWanted({ region: 'ap-beijing' })],
      existing: [anExisting()],
      steps: [
        { kind: 'remove', ...ref, reason: 'the rules have no schedule of this name' },
        { kind: 'create', provider: 'tencent', spec: specOf(aWanted({ region: 'ap-beijing' })) },
      ],
    },
    {
      name: 'its time is past, and it is not there',
      wanted: [aWanted({ timing: past })],
      existing: [],
      steps: [],
    },
    {
      name: 'its time is past, and it is about to fire or has',
      wanted: [aWanted({ timing: past, command: 'cmd-2' })],
      existing: [anExisting({ timing: past })],
      steps: [],
    },
    {
      name: 'its time is past, and it would fire later',
      wanted: [aWanted({ timing: past })],
      existing: [anExisting({ timing: future })],
      steps: [{ kind: 'remove', ...ref, reason: 'its time is past' }],
    },
    {
      name: 'made by a run: not the rules’ business',
      wanted: [],
      existing: [anExisting({ name: RUN })],
      steps: [],
    },
    {
      name: 'made by a run that still wants it, and gone',
      wanted: [aWanted({ name: RUN, timing: future })],
      existing: [],
      steps: [{ kind: 'create', provider: 'tencent', spec: specOf(aWanted({ name: RUN, timing: future })) }],
    },
  ])('$name', ({ wanted, existing, steps }) => {
    expect(plan(wanted, existing)).toEqual(steps);
  });
});

/** What a provider has after a step. Alibaba cannot pause: there, disabling removes. */
function afterStep(existing: ExistingSchedule[], step: ScheduleStep): ExistingSchedule[] {
  const others = existing.filter((one) => !('scheduleId' in step) || one.scheduleId !== step.scheduleId);
  const mine = existing.filter((one) => 'scheduleId' in step && one.scheduleId === step.scheduleId);
  switch (step.kind) {
    case 'create': {
      const scheduleId = `new-${existing.length}-${step.spec.name}`;
      return [...existing, { ...step.spec, provider: step.provider, scheduleId, isEnabled: true }];
    }
    case 'change':
      return [
        ...others,
        ...mine.map(({ provider, scheduleId, isEnabled, username }) => ({
          // An absent user changes nothing there.
          ...(username !== undefined && { username }),
          ...step.spec,
          provider,
          scheduleId,
          isEnabled,
        })),
      ];
    case 'enable':
      return [...others, ...mine.map((one) => ({ ...one, isEnabled: true }))];
    case 'disable':
      return step.provider === 'alibaba'
        ? others
        : [...others, ...mine.map((one) => ({ ...one, isEnabled: false }))];
    case 'remove':
      return others;
  }
}

const name = fc.constantFrom('a', 'b', 'c', RUN);
const provider = fc.constantFrom('tencent' as const, 'alibaba' as const);
const fields = {
  provider,
  region: fc.constantFrom('ap-1', 'ap-2'),
  name,
  command: fc.constantFrom('cmd-1', 'cmd-2'),
  instances: fc.uniqueArray(fc.constantFrom('ins-1', 'ins-2', 'ins-3'), { minLength: 1 }),
  parameters: fc.dictionary(fc.constantFrom('p', 'q'), fc.constantFrom('1', '2')),
  timing: fc.constantFrom(past, future, { at: '2027-01-01T00:00:00Z' }, { recurrence: '0 0 * * *' }),
};
const user = fc.option(fc.constantFrom('deploy', 'root', 'ops'), { nil: undefined });
const wantedList = fc.uniqueArray(
  fc.tuple(fc.record({ ...fields, isEnabled: fc.boolean() }), user).map(
    ([rest, username]): StandingSchedule => ({
      ...rest,
      notify: [],
      ...(username !== undefined && { username }),
    }),
  ),
  { selector: (one) => `${one.provider}/${one.region}/${one.name}`, maxLength: 6 },
);
const existingList = fc
  .array(fc.tuple(fc.record({ ...fields, isEnabled: fc.boolean() }), user), { maxLength: 8 })
  .map((list) =>
    list.map(
      ([rest, username], index): ExistingSchedule => ({
        ...rest,
        scheduleId: `ivk-${index}`,
        ...(username !== undefined && { username }),
      }),
    ),
  );

describe('any plan', () => {
  test('once applied leaves nothing to do', () => {
    fc.assert(
      fc.property(wantedList, existingList, (wanted, existing) => {
        const then = plan(wanted, existing).reduce(afterStep, existing);
        expect(plan(wanted, then)).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });

  test('leaves of each wanted name one, and of others those that runs made', () => {
    fc.assert(
      fc.property(wantedList, existingList, (wanted, existing) => {
        const then = plan(wanted, existing).reduce(afterStep, existing);
        const keyOf = (one: { provider: string; region: string; name: string }) =>
          `${one.provider}/${one.region}/${one.name}`;
        const keys = then.map(keyOf);
        for (const one of wanted) {
          expect(keys.filter((key) => key === keyOf(one)).length).toBeLessThanOrEqual(1);
        }
        const strangers = then.filter((one) => !wanted.some((wants) => keyOf(wants) === keyOf(one)));
        expect(strangers.every((one) => one.name === RUN)).toBe(true);
      }),
    );
  });
});
