/** The rules of the local TAT that need no server: parameters, aggregate, crontab. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { invocationStatus, isEnded, TASK_STATUSES } from '../../../../local/tencent/aggregate.ts';
import { nextFiring, parseSchedule } from '../../../../local/tencent/crontab.ts';
import { ID_FORMS, newId } from '../../../../local/tencent/ids.ts';
import {
  lackingParameters,
  maskHidden,
  parseParameters,
  renderContent,
} from '../../../../local/tencent/parameters.ts';

describe('ids', () => {
  it('have the vendor’s form', () => {
    expect(newId('inv')).toMatch(/^inv-[a-z0-9]{8}$/);
    expect(ID_FORMS.invocationTask.test(newId('invt'))).toBe(true);
  });
});

describe('custom parameters', () => {
  const values = fc.dictionary(fc.stringMatching(/^[a-zA-Z0-9_-]{1,64}$/), fc.string(), { maxKeys: 20 });

  it('come back from their JSON as they were', () => {
    fc.assert(
      fc.property(values, (given) => {
        expect(parseParameters('Parameters', JSON.stringify(given))).toEqual({ ...given });
      }),
    );
  });

  it('are pasted in as they are, without a look inside them', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (first, second) => {
        const content = 'a {{x}} b {{tat-hidden:y}} {{x}}';
        expect(renderContent(content, { x: first, y: second })).toBe(`a ${first} b ${second} ${first}`);
      }),
    );
  });

  it('that are hidden are masked, and those that lack are named once', () => {
    const content = '{{a}} {{tat-hidden:b}} {{c}} {{c}} {{ d }} {{e f}}';
    expect(maskHidden(content, { a: '1', b: '2', other: '3' })).toEqual({ a: '1', b: '******', other: '3' });
    expect(lackingParameters(content, { a: '' })).toEqual(['b', 'c']);
    expect(lackingParameters('{{toString}}', {})).toEqual(['toString']);
  });

  it('may have a name that JavaScript has too', () => {
    const parameters = parseParameters('Parameters', '{"__proto__":"p","constructor":"c"}');
    expect(renderContent('{{__proto__}} {{constructor}} {{valueOf}}', parameters)).toBe('p c {{valueOf}}');
  });

  it('that are not given are none', () => {
    expect([parseParameters('Parameters', undefined), parseParameters('Parameters', '')]).toEqual([{}, {}]);
  });
});

describe('the status of an invocation', () => {
  it.each([
    ['PENDING', ['PENDING', 'DELIVERING', 'DELIVER_DELAYED']],
    ['RUNNING', ['RUNNING', 'PENDING']],
    ['RUNNING', ['SUCCESS', 'DELIVERING']],
    ['CANCELLING', ['CANCELLING', 'RUNNING', 'SUCCESS']],
    ['SUCCESS', ['SUCCESS', 'SUCCESS']],
    ['CANCELLED', ['CANCELLED', 'TERMINATED']],
    ['PARTIAL_CANCELLED', ['SUCCESS', 'TERMINATED']],
    ['TIMEOUT', ['TIMEOUT', 'TASK_TIMEOUT']],
    ['FAILED', ['FAILED', 'TIMEOUT', 'START_FAILED', 'DELIVER_FAILED']],
    ['PARTIAL_FAILED', ['FAILED', 'SUCCESS']],
    ['PARTIAL_FAILED', ['FAILED', 'CANCELLED']],
    ['PARTIAL_FAILED', ['TIMEOUT', 'SUCCESS', 'TERMINATED']],
  ] as const)('is %s for %j', (status, tasks) => {
    expect(invocationStatus(tasks)).toBe(status);
  });

  it('has one answer for every set of tasks, in whatever order, and an end only when all have ended', () => {
    const open = ['PENDING', 'RUNNING', 'CANCELLING'];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...TASK_STATUSES), { minLength: 1 }), (tasks) => {
        const status = invocationStatus(tasks);
        expect(invocationStatus([...tasks].reverse())).toBe(status);
        expect(!open.includes(status)).toBe(tasks.every(isEnded));
      }),
    );
  });
});

describe('a schedule', () => {
  const at = new Date('2021-08-31T15:59:00Z');
  const next = (Recurrence: string, after = at) =>
    nextFiring(parseSchedule({ Policy: 'RECURRENCE', Recurrence }, at), after)?.toISOString();

  it.each([
    ['0 0 1 * *', '2021-08-31T16:00:00.000Z'],
    ['*/5 * * * *', '2021-08-31T16:00:00.000Z'],
    ['30 9 * * MON-FRI', '2021-09-01T01:30:00.000Z'],
    ['0 0 29 2 *', '2024-02-28T16:00:00.000Z'],
    ['0 12 1 * 1', '2021-09-01T04:00:00.000Z'],
    ['0 0 * * 0', '2021-09-04T16:00:00.000Z'],
    ['0 0 * * 7', '2021-09-04T16:00:00.000Z'],
  ])('%s fires next, by Beijing time, at %s', (line, time) => {
    expect(next(line)).toBe(time);
  });

  it('fires after a time, not at it', () => {
    expect(next('0 0 * * *', new Date('2021-08-31T16:00:00Z'))).toBe('2021-09-01T16:00:00.000Z');
  });

  it.each(['2021-09-01T00:00:00+08:00', '2021-09-01T00:00:00+0800', '2021-08-31T16:00:00Z'])(
    'once at %s',
    (time) => {
      const schedule = parseSchedule({ Policy: 'ONCE', InvokeTime: time }, at);
      expect(nextFiring(schedule, at)?.toISOString()).toBe('2021-08-31T16:00:00.000Z');
      expect(nextFiring(schedule, new Date('2021-08-31T16:00:00Z'))).toBeUndefined();
    },
  );
});
