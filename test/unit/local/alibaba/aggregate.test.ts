import { expect, test } from 'vitest';
import { aggregateStatus, isTerminalTask, TaskStatus } from '../../../../lib/model/status.ts';
import {
  INSTANCE_STATUSES,
  type InstanceStatus,
  mapInstanceStatus,
} from '../../../../lib/providers/alibaba/task-status.ts';
import { aggregateInvocation, hasFinished } from '../../../../local/alibaba/aggregate.ts';
import { legacyInstanceStatus, legacyInvocationStatus } from '../../../../local/alibaba/legacy-status.ts';

/** Every multiset of one to `most` values: 1,819 of the 12 vendor states, 3,059 of our 14, up to four. */
function multisets<Value>(values: readonly Value[], most: number): Value[][] {
  const found: Value[][] = [];
  const extend = (prefix: Value[], from: number): void => {
    if (prefix.length > 0) found.push(prefix);
    if (prefix.length === most) return;
    for (let index = from; index < values.length; index += 1) {
      const value = values[index];
      if (value !== undefined) extend([...prefix, value], index);
    }
  };
  extend([], 0);
  return found;
}

const VENDOR = multisets(INSTANCE_STATUSES, 4);
const OURS = multisets(TaskStatus.options, 4);
const FAILED: readonly InstanceStatus[] = ['Invalid', 'Aborted', 'Failed', 'Timeout', 'Error'];
const STOPPED: readonly InstanceStatus[] = ['Cancelled', 'Terminated'];

/** The rules of the document, each as it is written there, with what its examples leave no doubt about. */
const DOCUMENT: Record<string, (statuses: readonly InstanceStatus[]) => boolean> = {
  Pending: (statuses) => statuses.includes('Pending'),
  Scheduled: (statuses) => statuses.includes('Scheduled'),
  Running: (statuses) => statuses.includes('Running'),
  Stopping: (statuses) => statuses.includes('Stopping'),
  Success: (statuses) =>
    statuses.every((status) => status === 'Success' || STOPPED.includes(status)) &&
    statuses.includes('Success'),
  // „All Stopped or Failed“ takes in all Stopped: read with at least one failure.
  Failed: (statuses) =>
    statuses.every((status) => FAILED.includes(status) || STOPPED.includes(status)) &&
    statuses.some((status) => FAILED.includes(status)),
  Stopped: (statuses) => statuses.every((status) => STOPPED.includes(status)),
  PartialFailed: (statuses) =>
    statuses.every(hasFinished) &&
    statuses.includes('Success') &&
    statuses.some((status) => FAILED.includes(status)),
};

test('the multisets are all there', () => {
  expect([VENDOR.length, OURS.length]).toEqual([1819, 3059]);
});

test('for every multiset of vendor states up to four instances, a rule of the document holds and is answered', () => {
  const wrong = VENDOR.filter((statuses) => {
    const holding = Object.entries(DOCUMENT)
      .filter(([, rule]) => rule(statuses))
      .map(([name]) => name);
    return !holding.includes(aggregateInvocation(statuses));
  });
  expect(wrong).toEqual([]);
});

test('the document leaves only sets with two kinds of unfinished instances open', () => {
  const open = VENDOR.filter((statuses) => {
    const holding = Object.values(DOCUMENT).filter((rule) => rule(statuses));
    return holding.length !== 1;
  });
  const kinds = open.map((statuses) => new Set(statuses.filter((status) => !hasFinished(status))).size);
  expect({ least: Math.min(...kinds), count: open.length }).toEqual({ least: 2, count: 445 });
});

test('for those the local server takes Stopping, Running, Pending, Scheduled, in that order', () => {
  const order = ['Stopping', 'Running', 'Pending', 'Scheduled'] as const;
  const wrong = VENDOR.filter((statuses) => statuses.some((status) => !hasFinished(status))).filter(
    (statuses) => aggregateInvocation(statuses) !== order.find((status) => statuses.includes(status)),
  );
  expect(wrong).toEqual([]);
});

test('no instances are Pending, which is never an end', () => {
  expect([aggregateInvocation([]), legacyInvocationStatus([]), aggregateStatus([])]).toEqual([
    'Pending',
    'Pending',
    'pending',
  ]);
});

test('both aggregates end together: ours from the vendor states, and the vendor’s own', () => {
  const open = new Set<string>(['Stopping', 'Running', 'Pending', 'Scheduled']);
  const ourOpen = new Set<string>(['stopping', 'running', 'pending', 'scheduled']);
  const apart = VENDOR.filter((statuses) => {
    const ours = aggregateStatus(statuses.map((status) => mapInstanceStatus(status).status));
    return open.has(aggregateInvocation(statuses)) !== ourOpen.has(ours);
  });
  expect(apart).toEqual([]);
});

/** docs/status-model.md, „Where our words differ“. */
test.each([
  { statuses: ['Success', 'Cancelled'], vendor: 'Success', ours: 'partly_stopped' },
  { statuses: ['Failed', 'Cancelled'], vendor: 'Failed', ours: 'partly_failed' },
  { statuses: ['Timeout', 'Timeout'], vendor: 'Failed', ours: 'timed_out' },
  { statuses: ['Timeout', 'Failed'], vendor: 'Failed', ours: 'failed' },
  { statuses: ['Success', 'Failed'], vendor: 'PartialFailed', ours: 'partly_failed' },
  { statuses: ['Cancelled', 'Terminated'], vendor: 'Stopped', ours: 'stopped' },
  { statuses: ['Success', 'Success'], vendor: 'Success', ours: 'succeeded' },
  { statuses: ['Pending', 'Success'], vendor: 'Pending', ours: 'running' },
  { statuses: ['Scheduled', 'Scheduled'], vendor: 'Scheduled', ours: 'scheduled' },
] as const)('$statuses is $vendor there and $ours here', ({ statuses, vendor, ours }) => {
  expect({
    vendor: aggregateInvocation(statuses),
    ours: aggregateStatus(statuses.map((status) => mapInstanceStatus(status).status)),
  }).toEqual({ vendor, ours });
});

test('for every multiset of our states up to four tasks, the aggregate follows its rule', () => {
  const bad: readonly TaskStatus[] = ['failed', 'undelivered', 'rejected', 'lost', 'timed_out'];
  const stopped: readonly TaskStatus[] = ['cancelled', 'terminated'];
  const expected = (statuses: readonly TaskStatus[]): string => {
    const some = (group: readonly TaskStatus[]) => statuses.some((status) => group.includes(status));
    const all = (group: readonly TaskStatus[]) => statuses.every((status) => group.includes(status));
    if (some(['stopping'])) return 'stopping';
    if (some(['running', 'unknown'])) return 'running';
    if (all(['scheduled'])) return 'scheduled';
    if (all(['queued', 'scheduled', 'delivering'])) return 'pending';
    if (!statuses.every(isTerminalTask)) return 'running';
    if (all(['succeeded'])) return 'succeeded';
    if (all(stopped)) return 'stopped';
    if (!some(bad)) return 'partly_stopped';
    if (all(['timed_out'])) return 'timed_out';
    return all(bad) ? 'failed' : 'partly_failed';
  };
  const wrong = OURS.filter((statuses) => aggregateStatus(statuses) !== expected(statuses));
  expect(wrong).toEqual([]);
});

test('order and repetition of the instances change nothing', () => {
  const changed = VENDOR.filter((statuses) => {
    const other = [...statuses].reverse().concat(statuses);
    return (
      aggregateInvocation(other) !== aggregateInvocation(statuses) ||
      legacyInvocationStatus(other) !== legacyInvocationStatus(statuses)
    );
  });
  expect(changed).toEqual([]);
});

test.each([
  ['Pending', 'Pending'],
  ['Scheduled', 'Running'],
  ['Running', 'Running'],
  ['Stopping', 'Stopping'],
  ['Success', 'Finished'],
  ['Failed', 'Finished'],
  ['Timeout', 'Failed'],
  ['Aborted', 'Failed'],
  ['Invalid', 'Failed'],
  ['Error', 'Failed'],
  ['Cancelled', 'Stopped'],
  ['Terminated', 'Stopped'],
] as const)('the older word for %s is %s', (status, legacy) => {
  expect(legacyInstanceStatus(status, { isTimed: false, isOver: false })).toBe(legacy);
});
