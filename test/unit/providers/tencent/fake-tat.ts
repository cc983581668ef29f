/** A TAT account in memory for the stub: invocations with tasks, answered as the documents say, limits included. */
import type { StubAnswer, StubRequest } from './stub.ts';

export interface FakeTask {
  InvocationTaskId: string;
  InstanceId: string;
  TaskStatus: string;
  output?: string;
}

export interface FakeInvocation {
  InvocationId: string;
  CommandId: string;
  InvocationStatus: string;
  CreatedTime: string;
  tasks: FakeTask[];
  Parameters?: string | null;
  DefaultParameters?: string;
  InvocationSource?: string;
  /** How many of its tasks the invocation lists; default all. */
  listed?: number;
}

export function anInvocation(changes: Partial<FakeInvocation> & { InvocationId: string }): FakeInvocation {
  return {
    CommandId: 'cmd-echo0001',
    InvocationStatus: 'SUCCESS',
    CreatedTime: '2026-11-20T10:00:00Z',
    Parameters: '{}',
    InvocationSource: 'USER',
    tasks: [],
    ...changes,
  };
}

export function someTasks(invocationId: string, count: number, TaskStatus = 'SUCCESS'): FakeTask[] {
  return Array.from({ length: count }, (_, index) => ({
    InvocationTaskId: `invt-${invocationId.slice(4)}x${index}`,
    InstanceId: `ins-${String(index).padStart(8, '0')}`,
    TaskStatus,
    output: `output ${index}`,
  }));
}

/** @param maxBytes a longer answer is refused with ResponseSizeLimitExceeded */
export function fakeTat(invocations: readonly FakeInvocation[], maxBytes = Infinity) {
  return (request: StubRequest): StubAnswer => {
    const answer = respond(request, invocations);
    return JSON.stringify(answer).length > maxBytes
      ? { error: 'ResponseSizeLimitExceeded' }
      : { response: answer };
  };
}

function respond(
  { action, body }: StubRequest,
  invocations: readonly FakeInvocation[],
): Record<string, unknown> {
  const limit = typeof body['Limit'] === 'number' ? body['Limit'] : 20;
  const offset = typeof body['Offset'] === 'number' ? body['Offset'] : 0;
  const page = <T>(rows: T[]): { TotalCount: number; rows: T[] } => ({
    TotalCount: rows.length,
    rows: rows.slice(offset, offset + limit),
  });
  if (action === 'DescribeInvocations') {
    const isWanted = wanted(body, 'InvocationIds', 'command-id');
    const { TotalCount, rows } = page(invocations.filter((row) => isWanted(row.InvocationId, row.CommandId)));
    return { TotalCount, InvocationSet: rows.map(invocationRow) };
  }
  if (action === 'DescribeInvocationTasks') {
    const isWanted = wanted(body, 'InvocationTaskIds', 'invocation-id');
    const { TotalCount, rows } = page(
      invocations
        .flatMap((row) => row.tasks.map((task) => ({ ...task, InvocationId: row.InvocationId })))
        .filter((task) => isWanted(task.InvocationTaskId, task.InvocationId)),
    );
    return { TotalCount, InvocationTaskSet: rows.map((task) => taskRow(task, body['HideOutput'] !== false)) };
  }
  throw new Error(`the fake knows no ${action}`);
}

function wanted(body: Record<string, unknown>, idsField: string, filterName: string) {
  const ids = body[idsField];
  const values = JSON.stringify(body['Filters'] ?? '');
  return (id: string, other: string): boolean =>
    Array.isArray(ids)
      ? ids.includes(id)
      : values.includes(`"${filterName}"`) && values.includes(`"${other}"`);
}

function invocationRow({ tasks, listed = tasks.length, ...row }: FakeInvocation): Record<string, unknown> {
  const InvocationTaskBasicInfoSet = tasks
    .slice(0, listed)
    .map(({ InvocationTaskId, InstanceId, TaskStatus }) => ({ InvocationTaskId, InstanceId, TaskStatus }));
  return { ...row, InvocationTaskBasicInfoSet };
}

function taskRow(
  { output = '', ...task }: FakeTask & { InvocationId: string },
  isOutputHidden: boolean,
): Record<string, unknown> {
  const ExitCode = task.TaskStatus === 'SUCCESS' ? 0 : 1;
  const Output = isOutputHidden ? '' : Buffer.from(output).toString('base64');
  return {
    ...task,
    TaskResult: { ExitCode, Output, Dropped: 0 },
    StartTime: null,
    EndTime: null,
    ErrorInfo: '',
  };
}
