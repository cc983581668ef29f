/** An event that is too large loses output, then tasks, and never a fact. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fitEvent } from '../../../lib/completions/fit-event.ts';
import { runEvent, taskCompleted } from '../../../lib/completions/publish.ts';
import { messageText } from '../../../lib/queues/message-text.ts';
import { aRun, aTask } from '../../contract/run-store-contract.ts';

const NOW = new Date();
const LIMIT = 248 * 1024;
const sizeOf = (event: object) => Buffer.byteLength(messageText(event));

function anEnd(...outputs: Buffer[]) {
  const tasks = outputs.map((output, index) =>
    aTask({ taskId: `invt-${index}`, status: index % 2 === 0 ? 'succeeded' : 'failed', output }),
  );
  const run = aRun({ status: 'partly_failed', tasks });
  return { run, tasks, event: runEvent(run, 'fleet-reflex.run.completed', tasks, 'test', NOW) };
}

it('one that fits is as it was, and says nothing of a whole', () => {
  const { event } = anEnd(Buffer.from('done'));
  expect(fitEvent(event, LIMIT)).toBe(event);
  expect(event.data.wholeRun).toBeUndefined();
});

it.each([
  ['text', Buffer.from('x'.repeat(210_000))],
  ['what JSON writes with six bytes each', Buffer.alloc(150_000, 1)],
  ['bytes that are no UTF-8', Buffer.alloc(210_000, 0xff)],
  ['characters of four bytes', Buffer.from('\u{1f600}'.repeat(60_000))],
])('outputs of %s are cut to the limit, and what is missing is counted to the byte', (_, output) => {
  const { run, tasks, event } = anEnd(output, output);
  expect(sizeOf(event)).toBeLessThanOrEqual(LIMIT);
  const single = taskCompleted(run, tasks[0] ?? aTask(), 'test', NOW);
  expect(sizeOf(single)).toBeLessThanOrEqual(LIMIT);
  for (const { data } of [event, single]) {
    expect(data.wholeRun).toBe(`/runs/${run.runId}`);
    for (const task of data.tasks) {
      const kept = output.length - task.outputDroppedBytes;
      expect(task.output).toBe(new TextDecoder().decode(output.subarray(0, kept)));
    }
  }
});

it('tasks go when even those without output are too many, those that failed last; the counts stay', () => {
  const { event } = anEnd(...Array.from({ length: 3000 }, () => Buffer.from('')));
  expect(sizeOf(event)).toBeLessThanOrEqual(LIMIT);
  expect(event.data.tasks.length + (event.data.tasksOmitted ?? 0)).toBe(3000);
  expect(event.data.tasks[0]?.status).toBe('failed');
  expect(event.data.counts).toEqual({ succeeded: 1500, failed: 1500 });
});

it('an event is made smaller again for a place that takes less, and keeps its facts and its id', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: 'grapheme', maxLength: 4000 }), { maxLength: 8 }),
      fc.integer({ min: 4_000, max: 40_000 }),
      (outputs, limit) => {
        const { event } = anEnd(...outputs.map((output) => Buffer.from(output)));
        const fitted = fitEvent(event, limit);
        expect(sizeOf(fitted)).toBeLessThanOrEqual(limit);
        const { tasks: _, tasksOmitted: _o, wholeRun, ...facts } = fitted.data;
        expect({ ...event.data, ...facts }).toEqual(event.data);
        expect(fitted.id).toBe(event.id);
        if (fitted !== event) expect(wholeRun).toBe(`/runs/${event.subject}`);
      },
    ),
    { numRuns: 50 },
  );
});
