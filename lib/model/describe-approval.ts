/** Makes what people see of an approval. */
import { describeActor } from './actor.ts';
import type { ApprovalView, Plan } from './approval-view.ts';
import { instancesOf, type Run } from './run.ts';
import { wavesOf } from './run-waves.ts';
import { shownParameters } from './secret-parameters.ts';

const MAX_INSTANCES = 50;
const MAX_WAVES = 20;

/** @returns undefined for a run that needs none */
export function describeApproval(run: Run): ApprovalView | undefined {
  const { approval } = run;
  if (approval === undefined) return undefined;
  const { asked, verdict } = approval;
  return {
    users: approval.users,
    channels: approval.channels,
    chats: approval.chats,
    askedAt: asked?.at,
    until: asked?.until,
    verdict: verdict?.kind,
    by: verdict?.by && describeActor(verdict.by),
    at: verdict?.at,
    why: verdict?.why,
    plan: asked && planOf(run, asked),
  };
}

/** @param what as the cloud says it */
export function planOf(
  run: Pick<Run, 'target' | 'waves'>,
  { script, scriptLength, settings }: Pick<Plan, 'script' | 'scriptLength' | 'settings'>,
): Plan {
  const { target } = run;
  const waves = run.waves === undefined ? [[...instancesOf(run)]] : wavesOf(run);
  const omitted = waves.length - MAX_WAVES;
  return {
    script,
    scriptLength,
    settings,
    parameters: shownParameters(target),
    username: target?.username,
    workingDirectory: target?.workingDirectory,
    timeoutSeconds: target?.timeoutSeconds,
    waves: waves
      .slice(0, MAX_WAVES)
      .map((instances) => ({ count: instances.length, instances: instances.slice(0, MAX_INSTANCES) })),
    ...(omitted > 0 && { wavesOmitted: omitted }),
  };
}
