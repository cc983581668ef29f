/** The execution records of the local Cloud Assistant: 30 days and 10,000 of them, as the document says. */
import type { Frequency } from '../../lib/providers/alibaba/frequency.ts';
import type { InstanceStatus } from '../../lib/providers/alibaba/task-status.ts';
import { hasFinished } from './aggregate.ts';
import { apiError } from './api-error.ts';
import type { StoredCommand } from './commands.ts';
import type { Delivery } from './delivery.ts';
import type { Tag } from './rpc-parameters.ts';

export const REPEAT_MODES = ['Once', 'Period', 'NextRebootOnly', 'EveryReboot'] as const;
export type RepeatMode = (typeof REPEAT_MODES)[number] | 'DryRun';

/** How one run on one instance went, or goes. */
export interface TaskRun {
  status: InstanceStatus;
  exitCode?: number | undefined;
  errorCode: string;
  errorInfo: string;
  output: Buffer;
  dropped: number;
  startedAt?: Date | undefined;
  finishedAt?: Date | undefined;
  /** The state of its output's delivery to OSS, if requested. */
  delivery?: Delivery | undefined;
}

export interface InstanceTask extends TaskRun {
  instanceId: string;
  repeats: number;
  createdAt: Date;
  updatedAt: Date;
  /** When StopInvocation was called for it. */
  stoppedAt?: Date;
  /** Every run that has ended, oldest first; only a recurring command has more than one. */
  history: TaskRun[];
}

export interface InvocationRecord {
  invokeId: string;
  regionId: string;
  command: StoredCommand;
  /** The script: the command's own content, unless it was changed for this invocation. */
  content: string;
  parameters: Readonly<Record<string, string>>;
  repeatMode: RepeatMode;
  /** As it was sent. */
  frequencyText: string;
  frequency?: Frequency;
  timeoutSeconds: number;
  username: string;
  workingDir: string;
  launcher: string;
  containerId: string;
  containerName: string;
  terminationMode: 'Process' | 'ProcessTree';
  ossOutputDelivery: string;
  resourceGroupId: string;
  tags: readonly Tag[];
  createdAt: Date;
  /** Listed from then on; absent: at once. */
  visibleAt?: Date;
  /** Newer is higher; pages go by it. */
  sequence: number;
  tasks: InstanceTask[];
  /** When StopInvocation was called for all of it. */
  stoppedAt?: Date;
}

export interface InvocationStore {
  /** Only in its own region. @throws ApiError `InvalidInvokeId.NotFound` */
  get(invokeId: string, regionId: string): InvocationRecord;
  add(record: Omit<InvocationRecord, 'sequence'>): InvocationRecord;
  /** Of a region, newest first, without those that are too old, or not yet to be seen. */
  list(regionId: string): InvocationRecord[];
  /** Of every region, also those not yet to be seen. */
  all(): InvocationRecord[];
  /** As if it had never been. */
  forget(invokeId: string): void;
}

const KEPT_MS = 30 * 86_400_000;
const MOST_RECORDS = 10_000;

export function createInvocationStore(dependencies: { now: () => Date }): InvocationStore {
  const records = new Map<string, InvocationRecord>();
  let sequence = 0;

  const forgetOld = (): void => {
    const oldest = dependencies.now().getTime() - KEPT_MS;
    for (const record of records.values()) {
      // A Map keeps the order of insertion: the first are the oldest.
      if (records.size <= MOST_RECORDS && record.createdAt.getTime() >= oldest) break;
      records.delete(record.invokeId);
    }
  };

  return {
    get(invokeId, regionId) {
      forgetOld();
      const record = records.get(invokeId);
      if (record?.regionId !== regionId) throw apiError('InvalidInvokeId.NotFound');
      return record;
    },
    add(record) {
      sequence += 1;
      const stored = { ...record, sequence };
      records.set(stored.invokeId, stored);
      forgetOld();
      return stored;
    },
    list(regionId) {
      forgetOld();
      const now = dependencies.now();
      return [...records.values()]
        .filter((record) => record.regionId === regionId)
        .filter(({ visibleAt }) => visibleAt === undefined || visibleAt <= now)
        .reverse();
    },
    all: () => [...records.values()],
    forget: (invokeId) => void records.delete(invokeId),
  };
}

export function aTask(instanceId: string, status: InstanceStatus, now: Date): InstanceTask {
  return {
    instanceId,
    status,
    errorCode: '',
    errorInfo: '',
    output: Buffer.alloc(0),
    dropped: 0,
    repeats: 0,
    createdAt: now,
    updatedAt: now,
    history: [],
  };
}

/** Whether it will, or may, run again by itself. */
export function isRecurring(record: Pick<InvocationRecord, 'repeatMode'>): boolean {
  return (
    record.repeatMode === 'Period' ||
    record.repeatMode === 'NextRebootOnly' ||
    record.repeatMode === 'EveryReboot'
  );
}

export function isOver(record: Pick<InvocationRecord, 'tasks'>): boolean {
  return record.tasks.every(({ status }) => hasFinished(status));
}
