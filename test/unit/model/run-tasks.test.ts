/** What becomes of a run's tasks with the reports about them, in whatever order they come. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { withTasks } from '../../../lib/model/run-tasks.ts';
import { isTerminalTask, TaskStatus, taskRank } from '../../../lib/model/status.ts';
import { aRun, aTask } from '../../contract/run-store-contract.ts';

it('a task moves only forward, whatever the order of the reports', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...TaskStatus.options), { maxLength: 8 }), (reports) => {
      let run = aRun();
      let expected: TaskStatus | undefined;
      for (const status of reports) {
        const moves =
          expected === undefined || (!isTerminalTask(expected) && taskRank(status) > taskRank(expected));
        const next = withTasks(run, [aTask({ status })]);
        expect(next !== run).toBe(moves);
        if (moves) expected = status;
        run = next;
      }
      expect(run.tasks.map(({ status }) => status)).toEqual(expected === undefined ? [] : [expected]);
    }),
  );
});

it('each instance has a task of its own in each invocation, and others stay as they are', () => {
  const [one, two] = [aTask({ status: 'succeeded', isEventSent: true }), aTask({ instanceId: 'ins-2' })];
  const run = withTasks(aRun({ tasks: [one] }), [two, aTask({ invocationId: 'inv-2' })]);
  expect(run.tasks).toEqual([one, two, aTask({ invocationId: 'inv-2' })]);
});
