/**
 * Makes completion events of runs and tasks and sends them to the destinations. The facts are already stored when this is
 * called; an event that is sent twice after a crash has the same id.
 */
import type {
  CompletedTask,
  CompletionEvent,
  CompletionEventData,
  CompletionEventType,
} from '../model/completion-event.ts';
import { describeApproval } from '../model/describe-approval.ts';
import { type DestinationRef, placeOf } from '../model/destination-ref.ts';
import type { ReplyTo } from '../model/reply-to.ts';
import { knownTarget, type Run, type RunTask } from '../model/run.ts';
import type { TaskStatus } from '../model/status.ts';
import { settleAll } from '../queues/send-messages.ts';
import { askedIn } from './asked-in.ts';
import type { DestinationResolver } from './destination.ts';
import { cutAtCharacter, fairShare, fitEvent, wholeRunPath } from './fit-event.ts';

/**
 * The most that one event may take as JSON: an SQS message and one of SNS hold 256 KiB (more only where a queue's or
 * topic's own MaximumMessageSize says so), attributes included; EventBridge and CloudWatch Logs hold as much. On its way
 * to another destination than a queue an event takes the destination with it.
 */
const MAX_EVENT_BYTES = 248 * 1024;
const FIRST_OUTPUT_BUDGET_BYTES = 200 * 1024;

export interface PublishContext {
  stage: string;
  resolve: DestinationResolver;
  /** Sends the progress to the chat, or to the deployment at the code host. Never throws. */
  reply: (event: CompletionEvent, replyTo: ReplyTo) => Promise<void>;
  /** Hears of what all destinations of a run have. Never throws. */
  told?: (events: readonly CompletionEvent[]) => void;
}

/** The events of a run to publish, in this order. */
export interface Telling {
  run: Pick<Run, 'notify' | 'replyTo' | 'approval'>;
  events: readonly CompletionEvent[];
}

/**
 * Sends the events of many runs together, to every destination of each.
 * @returns for each telling whether all of its destinations have all of its events
 */
export async function publish(
  tellings: readonly Telling[],
  { resolve, reply, told }: PublishContext,
): Promise<PromiseSettledResult<void>[]> {
  const sent = new Map<string, Promise<void>>();
  for (const [place, [first, ...others]] of byDestination(tellings)) {
    const events = [first, ...others].flatMap((one) => one?.events ?? []);
    if (first === undefined || events.length === 0) continue;
    sent.set(place, sendTo(first.ref, events, resolve));
  }
  return await Promise.allSettled(
    tellings.map(async ({ run, events }) => {
      await settleAll(run.notify.map(async (ref) => await sent.get(placeOf(ref))));
      told?.(events);
      for (const replyTo of askedIn(run)) {
        for (const event of events)
          if (event.type === 'fleet-reflex.run.waiting') await reply(event, replyTo);
      }
      if (run.replyTo === undefined) return;
      // After the destinations, so that a chat that does not answer delays no consumer of the event.
      for (const event of events) await reply(event, run.replyTo);
    }),
  );
}

async function sendTo(
  ref: DestinationRef,
  events: readonly CompletionEvent[],
  resolve: DestinationResolver,
): Promise<void> {
  await resolve(ref).send(events);
}

function byDestination(tellings: readonly Telling[]) {
  const all = tellings.flatMap(({ run, events }) => {
    // Two names, or two outcomes, may be of one place: it gets each event once.
    const places = Map.groupBy(run.notify, placeOf);
    return [...places.values()].flatMap((refs) => {
      const [ref] = refs;
      const wanted = events.filter((event) => refs.some(({ outcome }) => isOf(event, outcome)));
      return ref === undefined ? [] : [{ ref, events: wanted }];
    });
  });
  return Map.groupBy(all, ({ ref }) => placeOf(ref));
}

/** Without an outcome every event; otherwise the end of a run that ended so. */
function isOf({ type, data }: CompletionEvent, outcome: DestinationRef['outcome']): boolean {
  if (outcome === undefined) return true;
  const isEnd = type === 'fleet-reflex.run.completed' || type === 'fleet-reflex.run.rejected';
  return isEnd && (data.status === 'succeeded') === (outcome === 'succeeded');
}

export function taskCompleted(run: Run, task: RunTask, stage: string, now: Date): CompletionEvent {
  return fitEvent(
    {
      ...envelope(run, 'fleet-reflex.task.completed', stage, now),
      id: `${run.runId}/${task.taskId}/${task.status}`,
      data: { ...runData(run, [task]), status: run.status, ...shownTasks(run, [task]) },
    },
    MAX_EVENT_BYTES,
    (budget) => completedTasks([task], budget),
  );
}

export function runEvent(
  run: Run,
  type: Exclude<CompletionEventType, 'fleet-reflex.task.completed'>,
  tasks: readonly RunTask[],
  stage: string,
  now: Date,
): CompletionEvent {
  const verb = VERBS[type] ?? run.status;
  return fitEvent(
    {
      ...envelope(run, type, stage, now),
      id: `${run.runId}/${verb}`,
      data: {
        ...runData(run, tasks),
        ...(type === 'fleet-reflex.run.waiting' && waitingData(run)),
        ...shownTasks(run, tasks),
      },
    },
    MAX_EVENT_BYTES,
    (budget) => completedTasks(tasks, budget),
  );
}

/** Of events that are not about the end of a run. */
const VERBS: Readonly<Partial<Record<CompletionEventType, string>>> = {
  'fleet-reflex.run.waiting': 'waiting',
  'fleet-reflex.run.started': 'started',
};

/** The tasks with what of their outputs an event can take at all. */
function shownTasks({ runId }: Run, all: readonly RunTask[]) {
  const tasks = completedTasks(all, FIRST_OUTPUT_BUDGET_BYTES);
  const isCut = tasks.some((task, index) => task.outputDroppedBytes !== all[index]?.outputDroppedBytes);
  return { tasks, ...(isCut && { wholeRun: wholeRunPath(runId) }) };
}

function envelope(run: Run, type: CompletionEventType, stage: string, now: Date) {
  return {
    specversion: '1.0' as const,
    type,
    source: `/fleet-reflex/${stage}/rules/${run.rule}`,
    subject: run.runId,
    time: now.toISOString(),
    datacontenttype: 'application/json' as const,
    traceparent: run.traceparent,
  };
}

/** What is waited for, and what will run: for people who do not look at the run. */
function waitingData(run: Run): Pick<CompletionEventData, 'waitingFor' | 'approval'> {
  return { waitingFor: run.waitingFor, approval: describeApproval(run) };
}

function runData(run: Run, tasks: readonly RunTask[]): Omit<CompletionEventData, 'tasks'> {
  return {
    runId: run.runId,
    rule: run.rule,
    ...knownTarget(run),
    invocationIds: run.invocations.flatMap(({ invocationId }) => invocationId ?? []),
    status: run.status,
    reason: run.reason,
    counts: countByStatus(tasks),
    trigger: run.trigger,
    ancestry: run.ancestry,
    after: run.after,
    next: run.next,
    startedAt: run.startedAt,
    endedAt: run.endedAt,
  };
}

export function countByStatus(
  tasks: readonly Pick<RunTask, 'status'>[],
): Partial<Record<TaskStatus, number>> {
  const counts: Partial<Record<TaskStatus, number>> = {};
  for (const { status } of tasks) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

/** The tasks as events show them; when all outputs together are too long, each keeps its start, in equal shares. */
export function completedTasks(tasks: readonly RunTask[], budget: number): CompletedTask[] {
  const share = fairShare(
    tasks.map((task) => task.output?.length ?? 0),
    budget,
  );
  return tasks.map((task) => {
    const {
      invocationId: _i,
      isEventSent: _s,
      isOutputApart: _a,
      output,
      outputDroppedBytes,
      ...facts
    } = task;
    if (output === undefined) return { ...facts, outputDroppedBytes };
    const kept = cutAtCharacter(output, share);
    return {
      ...facts,
      output: new TextDecoder().decode(kept),
      outputDroppedBytes: outputDroppedBytes + (output.length - kept.length),
    };
  });
}
