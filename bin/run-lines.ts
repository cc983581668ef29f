/** A run of the API as lines for a terminal. */
import * as z from 'zod';
import { describeActor } from '../lib/model/actor.ts';
import { ApprovalView } from '../lib/model/approval-view.ts';
import { CompletedTask } from '../lib/model/completion-event.ts';
import { printable } from '../lib/model/printable.ts';
import { RunSummary as StoredSummary } from '../lib/model/run-summary.ts';
import { WaveView } from '../lib/model/run-waves.ts';
import { approvalLines } from './approval-lines.ts';

/** What the API shows of a run in a list; what a newer deployment adds is let through. */
export const RunSummary = StoredSummary.loose();
export type RunSummary = z.infer<typeof RunSummary>;

const Task = CompletedTask.loose();
/** The same with its tasks. */
export const RunDetail = RunSummary.extend({
  parameters: z.record(z.string(), z.string()),
  tasks: z.array(Task),
  waves: z.array(WaveView).optional(),
  neverSentTo: z.array(z.string()).optional(),
  resumedAs: z.string().optional(),
  approval: ApprovalView.loose().optional(),
});
export type RunDetail = z.infer<typeof RunDetail>;

/** One line: when, what, how. */
export function lineOf(run: RunSummary): string {
  return printable(wordsOf(run).join('  '));
}

function wordsOf(run: RunSummary): string[] {
  const why = run.reason ?? run.waitingFor;
  const where = run.instances.length > 2 ? `${run.instances.length} instances` : run.instances.join(', ');
  return [
    run.requestedAt.slice(0, 19).replace('T', ' '),
    run.status.padEnd(13),
    run.runId,
    `${run.rule}${where === '' ? '' : ` on ${where}`}`,
    ...(run.trigger.actor ? [`by ${describeActor(run.trigger.actor)}`] : []),
    ...(run.wave ? [`wave ${run.wave.number} of ${run.wave.of}`] : []),
    ...(why ? [`(${why.message})`] : []),
  ];
}

/** Its ids, names and outputs are what others made them: no terminal obeys them. */
export function linesOf(run: RunDetail): string[] {
  return detailsOf(run).map(printable);
}

function detailsOf(run: RunDetail): string[] {
  const why = run.reason ?? run.waitingFor;
  const { source, type, id, subject, actor, startedBy } = run.trigger;
  return [
    `${run.runId}  ${run.status}`,
    `  rule       ${run.rule}`,
    `  event      ${type} of ${source}${subject === undefined ? '' : `, about ${subject}`} (${id})`,
    ...(actor ? [`  by         ${describeActor(actor)}`] : []),
    ...(startedBy ? [`  started by ${describeActor(startedBy)}, who began the chain`] : []),
    ...(run.after ? [`  after      ${run.after.rule} ${run.after.status} (${run.after.runId})`] : []),
    ...(run.resumes ? [`  resumes    ${run.resumes.runId}, asked by ${describeActor(run.resumes.by)}`] : []),
    ...resumeLines(run),
    ...(run.next ? [`  next       ${run.next.rule} (${run.next.runId})`] : []),
    ...(why
      ? [`  why        ${why.message} [${why.code}]`, ...(why.advice ? [`  advice     ${why.advice}`] : [])]
      : []),
    ...(run.command ? [`  command    ${run.command} (${run.provider}, ${run.region})`] : []),
    ...Object.entries(run.parameters).map(([name, value]) => `  parameter  ${name} = ${value}`),
    ...(run.waves ?? []).map(
      ({ index, state, instances }) => `  wave ${index + 1}     ${state}: ${instances.join(', ')}`,
    ),
    ...(run.approval === undefined ? [] : approvalLines(run.approval)),
    ...run.invocationIds.map((invocationId) => `  invocation ${invocationId}`),
    `  asked      ${run.requestedAt}`,
    ...(run.startedAt ? [`  started    ${run.startedAt}`] : []),
    ...(run.endedAt ? [`  ended      ${run.endedAt}`] : []),
    ...run.tasks.flatMap(taskLines),
  ];
}

function resumeLines({ runId, neverSentTo = [], resumedAs }: RunDetail): string[] {
  if (resumedAs !== undefined) return [`  resumed as ${resumedAs}`];
  if (neverSentTo.length === 0) return [];
  return [`  left       ${neverSentTo.join(', ')}: \`fleet-reflex resume ${runId}\` goes on with them`];
}

function taskLines(task: z.infer<typeof Task>): string[] {
  const exit = task.exitCode === undefined ? '' : `, exit code ${task.exitCode}`;
  const again =
    task.started === 'no' ? ', never started' : task.started === 'maybe' ? ', may have started' : '';
  const dropped =
    task.outputDroppedBytes > 0 ? [`    … ${task.outputDroppedBytes} bytes of output were cut`] : [];
  return [
    `  ${task.instanceId}: ${task.status} (${task.providerStatus})${exit}${again}`,
    ...(task.error ? [`    ${task.error.message} [${task.error.code}]`] : []),
    ...(task.error?.advice ? [`    ${task.error.advice}`] : []),
    ...(task.output ?? '')
      .replace(/\n$/, '')
      .split('\n')
      .filter((line, _, all) => all.length > 1 || line !== '')
      .map((line) => `    | ${line}`),
    ...dropped,
    ...(task.outputUrl ? [`    whole output: ${task.outputUrl}`] : []),
    ...(task.outputDeliveryError
      ? [
          `    whole output not stored: ${task.outputDeliveryError.message} [${task.outputDeliveryError.code}]`,
          ...(task.outputDeliveryError.advice ? [`    ${task.outputDeliveryError.advice}`] : []),
        ]
      : []),
  ];
}
