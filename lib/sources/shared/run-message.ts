/**
 * The message about a run, independent of a chat's format: a headline, facts, and each instance with its state and the tail
 * of its output.
 */
import { describeActor, requestersOf } from '../../model/actor.ts';
import { planLines } from '../../model/approval-view.ts';
import type { CompletedTask, CompletionEvent, CompletionEventData } from '../../model/completion-event.ts';
import { oneLine, printable } from './chat-markup.ts';

export interface RunMessage {
  tone: 'progress' | 'good' | 'bad';
  /** One line, names between backticks. */
  headline: string;
  /** Further lines. */
  facts: readonly string[];
  tasks: readonly TaskLine[];
  /** What will run, without control characters. */
  script?: string;
  /** Present while it can be approved or denied. */
  approveRunId?: string;
  /** Present while there is something to cancel. */
  cancelRunId?: string;
}

export interface TaskLine {
  /** `ins-1: succeeded, exit code 0, 3.2 s` */
  line: string;
  /** Without control characters; empty where there is none. */
  output: string;
}

/** More instances than this are counted, not listed. */
const MAX_TASKS = 25;

/** A text that does not report on a run: the answer of a built-in verb, for a chat that shows no answers. */
export function messageOfText(text: string): RunMessage {
  const [headline = '', ...facts] = printable(text).split('\n');
  return { tone: 'progress', headline, facts, tasks: [] };
}

/**
 * Of runs that follow each other, whether the event is between the first start and the end of the whole, and no failure: a
 * person hears one reply of the whole.
 */
export function isWithinWhole({ type, data: { status, after, next } }: CompletionEvent): boolean {
  if (type === 'fleet-reflex.run.started') return after !== undefined;
  return type === 'fleet-reflex.run.completed' && status === 'succeeded' && next !== undefined;
}

/** @returns undefined for events that chats do not show: single instances */
export function messageOfEvent({ type, data }: CompletionEvent): RunMessage | undefined {
  const { rule, runId } = data;
  const run = `\`${rule}\` (\`${runId}\`)`;
  switch (type) {
    case 'fleet-reflex.task.completed':
      return undefined;
    case 'fleet-reflex.run.waiting':
      return { tone: 'progress', headline: `⏸️ ${run} waits for approval`, ...whatIsAsked(data) };
    case 'fleet-reflex.run.started':
      return {
        tone: 'progress',
        headline: `▶️ ${run} is running`,
        ...detailsOf(data),
        cancelRunId: runId,
      };
    case 'fleet-reflex.run.completed':
      return data.status === 'succeeded'
        ? { tone: 'good', headline: `✅ ${run} succeeded`, ...detailsOf(data) }
        : { tone: 'bad', headline: `❌ ${run} ended: ${wordsOf(data.status)}`, ...detailsOf(data) };
    case 'fleet-reflex.run.rejected':
      return { tone: 'bad', headline: `❌ ${run} was not run`, ...detailsOf(data) };
  }
}

/** Who may approve it until when, and what will run where. */
function whatIsAsked({ runId, waitingFor, approval, provider, region, command }: CompletionEventData) {
  const { plan } = approval ?? {};
  const omitted =
    plan?.scriptLength === undefined
      ? []
      : [`The script is shown in part: it has ${plan.scriptLength} characters.`];
  return {
    facts: [
      ...(waitingFor === undefined ? [] : [oneLine(waitingFor.message)]),
      `\`${command}\` of ${provider} in ${region}`,
      ...(plan === undefined ? [] : planLines(plan).map(oneLine)),
      ...omitted,
    ],
    tasks: [],
    ...(plan !== undefined && { script: printable(plan.script) }),
    approveRunId: runId,
  };
}

/** The same without the output; if there was output, the message says where to find it. */
export function withoutOutput(message: RunMessage, runId: string): RunMessage {
  if (message.tasks.every(({ output }) => output === '')) return message;
  return {
    ...message,
    facts: [
      ...message.facts,
      `The output is not shown here: \`fleet-reflex runs ${runId}\` or \`GET /runs/${runId}\` has it.`,
    ],
    tasks: message.tasks.map((task) => ({ ...task, output: '' })),
  };
}

/** `12 succeeded, 1 failed` */
export function countsOf({ counts }: Pick<CompletionEventData, 'counts'>): string {
  return Object.entries(counts)
    .map(([status, count]) => `${count} ${wordsOf(status)}`)
    .join(', ');
}

function detailsOf(data: CompletionEventData): Pick<RunMessage, 'facts' | 'tasks'> {
  // Failures first: readers look for them.
  const worstFirst = data.tasks.toSorted(
    (a, b) => Number(a.status === 'succeeded') - Number(b.status === 'succeeded'),
  );
  const shown = worstFirst.slice(0, MAX_TASKS);
  const hidden = data.tasks.length - shown.length + (data.tasksOmitted ?? 0);
  const { reason, trigger } = data;
  // A name has no code in it.
  const who = requestersOf(trigger).map(describeActor).join(', ').replaceAll('`', "'");
  const counts = countsOf(data);
  return {
    facts: [
      ...(who === '' ? [] : [oneLine(`Asked for by ${who}`)]),
      ...lineageOf(data),
      ...(counts === '' ? [] : [counts]),
      ...(reason === undefined
        ? []
        : [oneLine(`${reason.message}${reason.advice ? ` ${reason.advice}` : ''}`)]),
      ...(hidden > 0 ? [`${hidden} more instances are not shown.`] : []),
    ],
    tasks: shown.map((task) => ({ line: lineOf(task), output: printable(task.output ?? '') })),
  };
}

function lineageOf({ after, next }: CompletionEventData): string[] {
  const before = after && (after.failed ?? after);
  return [
    ...(before === undefined
      ? []
      : [`It followed \`${before.rule}\` (\`${before.runId}\`): ${wordsOf(before.status)}.`]),
    ...(next === undefined ? [] : [`Now \`${next.rule}\` (\`${next.runId}\`) follows.`]),
  ];
}

function lineOf(task: CompletedTask): string {
  const { instanceId, status, exitCode, error } = task;
  return [
    `${instanceId}: ${wordsOf(status)}`,
    ...(exitCode === undefined ? [] : [`exit code ${exitCode}`]),
    ...durationOf(task),
    ...(error === undefined ? [] : [oneLine(error.message)]),
  ].join(', ');
}

function durationOf({ startedAt, endedAt }: CompletedTask): string[] {
  const ms = startedAt && endedAt ? Date.parse(endedAt) - Date.parse(startedAt) : Number.NaN;
  return Number.isFinite(ms) && ms >= 0 ? [`${Number((ms / 1000).toFixed(1))} s`] : [];
}

/** `partly failed` */
export function wordsOf(status: string): string {
  return status.replaceAll('_', ' ');
}
