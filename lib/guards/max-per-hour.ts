/** `guards.maxPerHour`: its default applies to every rule, so that no sender can start unlimited runs. */
import { instancesOf, type Run } from '../model/run.ts';
import type { Admission, GuardContext } from './guard.ts';

export async function maxPerHour(run: Run, { store, now }: GuardContext): Promise<Admission> {
  const limits = run.guards.maxPerHour;
  if (limits === undefined) return { kind: 'admitted' };
  const { rule, runId } = run;
  const instances = instancesOf(run);
  const counted = await store.countRun({ rule, runId, instances: instances.length }, limits, now);
  if (counted.isWithin) return { kind: 'admitted' };
  const { by, until } = counted;
  const has =
    by === 'runs'
      ? `The rule has started ${limits.runs} runs within an hour`
      : `The rule has started runs on so many instances within an hour that ${instances.length} more are too many`;
  const next =
    until === undefined ? 'it is never so many in one run' : `there is room again at ${until.toISOString()}`;
  return {
    kind: 'refused',
    reason: {
      code: 'guard.max-per-hour',
      message: `${has}; its limit is ${by === 'runs' ? limits.runs : limits.instances} (maxPerHour.${by}), and ${next}.`,
      advice:
        'Look at what sends so many events first. If all of them are meant, raise guards.maxPerHour of the rule and deploy; this run stays rejected, a new event starts a new one.',
    },
  };
}
