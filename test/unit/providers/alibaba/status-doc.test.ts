/** docs/status-model.md is what people read at night: its tables have to be the code. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { aggregateStatus, isTerminalTask, Started, TaskStatus } from '../../../../lib/model/status.ts';
import {
  INSTANCE_STATUSES,
  type InstanceStatus,
  mapInstanceStatus,
} from '../../../../lib/providers/alibaba/task-status.ts';
import { mapTaskStatus, TASK_STATUSES } from '../../../../lib/providers/tencent/task-status.ts';
import { aggregateInvocation } from '../../../../local/alibaba/aggregate.ts';

const PAGE = readFileSync(new URL('../../../../docs/status-model.md', import.meta.url), 'utf8');

/** The rows under the table head that begins so. */
function table(head: string): string[][] {
  const start = PAGE.indexOf(`| ${head} |`);
  const lines = PAGE.slice(start).split('\n').slice(2);
  const rows = lines.slice(
    0,
    lines.findIndex((line) => !line.startsWith('|')),
  );
  return rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
}

const TASKS = table('ours | ended | started').map(([ours, ended, started, tencent, alibaba]) => ({
  ours: TaskStatus.parse(ours),
  ended,
  started: Started.parse(started),
  tencent: words(tencent),
  alibaba: words(alibaba),
}));

function words(cell: string | undefined): string[] {
  if (cell === undefined || cell === '-') return [];
  return cell === 'anything else' ? ['NOT_A_WORD_YET'] : cell.split(', ');
}

test('every state of ours and of both vendors stands in the table, once', () => {
  expect(TASKS.map(({ ours }) => ours).sort()).toEqual([...TaskStatus.options].sort());
  expect(TASKS.flatMap(({ alibaba }) => alibaba).sort()).toEqual(
    [...INSTANCE_STATUSES, 'NOT_A_WORD_YET'].sort(),
  );
  expect(TASKS.flatMap(({ tencent }) => tencent).sort()).toEqual([...TASK_STATUSES, 'NOT_A_WORD_YET'].sort());
});

test.each(TASKS)('$ours is in the table as in the code', ({ ours, ended, started, tencent, alibaba }) => {
  expect(isTerminalTask(ours) ? 'yes' : 'no').toBe(ended);
  for (const word of alibaba) expect(mapInstanceStatus(word)).toEqual({ status: ours, started });
  for (const word of tencent) expect(mapTaskStatus(word)).toMatchObject({ status: ours, started });
});

/** One of Alibaba's states for each of ours that stands in the table of runs. */
const EXAMPLES: Record<string, InstanceStatus[][]> = {
  'all succeeded': [['Success', 'Success']],
  'all cancelled or terminated': [['Cancelled'], ['Terminated'], ['Cancelled', 'Terminated']],
  'succeeded, cancelled': [['Success', 'Cancelled']],
  'all timed out': [['Timeout', 'Timeout']],
  'all failed, undelivered, rejected or lost': [
    ['Failed'],
    ['Aborted'],
    ['Invalid'],
    ['Error'],
    ['Failed', 'Aborted'],
  ],
  'failed, timed out': [['Failed', 'Timeout']],
  'failed, cancelled': [['Failed', 'Cancelled']],
  'failed, succeeded': [['Failed', 'Success']],
  'failed, succeeded, cancelled': [['Failed', 'Success', 'Cancelled']],
};

test.each(table('tasks | ours | Tencent | Alibaba'))(
  'a run with %s is %s, and %s and %s there',
  (tasks, ours, _tencent, alibaba) => {
    const examples = EXAMPLES[tasks ?? ''] ?? [];
    expect(examples.length).toBeGreaterThan(0);
    for (const statuses of examples) {
      expect({
        ours: aggregateStatus(statuses.map((status) => mapInstanceStatus(status).status)),
        alibaba: aggregateInvocation(statuses),
      }).toEqual({ ours, alibaba });
    }
  },
);

test('the page counts the defined and the ambiguous sets', () => {
  expect(PAGE).toContain('These are 1,374 of the 1,819 multisets of up to four instances.');
  expect(PAGE).toContain('These are the other 445.');
});
