/** Proves of a region that each lock of an instance has a run that has not ended. */
import { isTerminalStatus } from '../model/run.ts';
import { type Finding, repairable } from './sweep.ts';
import type { SweepContext } from './sweep-runs.ts';

export async function sweepLocks(
  { provider, region, isDryRun }: { provider: string; region: string; isDryRun: boolean },
  { store, guards, now }: SweepContext,
): Promise<{ findings: Finding[]; seen: number }> {
  const held = (await guards.heldLocks(provider, region)).filter(({ until }) => until > now());
  const findings = await Promise.all(
    [...Map.groupBy(held, ({ runId }) => runId)].map(async ([runId, locks]) => {
      const holder = await store.glimpse(runId);
      if (holder === 'unreadable' || (holder !== undefined && !isTerminalStatus(holder.status))) return [];
      const instances = locks.map(({ instanceId }) => instanceId);
      const finding = {
        code: 'lock.ownerless' as const,
        where: `${provider}/${region}: ${instances.join(', ')}`,
        message: `Locked by ${runId}, which ${holder === undefined ? 'is not there' : `has ended as ${holder.status}`}.`,
        advice: 'They are unlocked; without that, the next run that wants them unlocks them itself.',
      };
      return [
        await repairable(finding, isDryRun, () =>
          guards.unlockInstances({ runId, provider, region, instances }),
        ),
      ];
    }),
  );
  return { findings: findings.flat(), seen: held.length };
}
