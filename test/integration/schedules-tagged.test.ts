/** Standing schedules on tagged fleets: each sync brings the provider's list of instances in step with the tags. */
import { beforeEach, expect, test } from 'vitest';
import { FleetReflexError } from '../../lib/errors.ts';
import { fleetCache } from '../../lib/providers/fleet-cache.ts';
import type { StandingSchedule } from '../../lib/rules/rule.ts';
import { withMembers } from '../../lib/schedules/fleet-members.ts';
import { type ExistingSchedule, planSchedules } from '../../lib/schedules/plan.ts';

const NIGHTLY: StandingSchedule = {
  name: 'nightly',
  provider: 'tencent',
  region: 'ap-guangzhou',
  command: 'cmd-1',
  instances: [],
  taggedFleet: { name: 'web', tags: { role: 'web' } },
  parameters: {},
  timing: { recurrence: '0 3 * * *' },
  isEnabled: true,
  notify: [],
};
const EXISTING: ExistingSchedule = {
  provider: 'tencent',
  region: 'ap-guangzhou',
  name: 'nightly',
  scheduleId: 'ivk-1',
  command: 'cmd-1',
  instances: ['ins-1'],
  parameters: {},
  timing: { recurrence: '0 3 * * *' },
  isEnabled: true,
};

let listed: () => Promise<string[]>;
beforeEach(() => {
  listed = async () => ['ins-1'];
});

async function stepsOf(schedule = NIGHTLY, existing = [EXISTING]) {
  const fleets = fleetCache({
    providers: { tencent: { instancesWithTags: () => listed() } },
    maxAgeMs: 0,
    now: () => new Date(0),
  });
  const { wanted, failed } = await withMembers([schedule], existing, fleets);
  const steps = planSchedules(wanted, existing, new Date());
  return {
    steps: steps.map((step) => ('spec' in step ? [step.kind, step.spec.instances] : [step.kind])),
    failed: failed.map(({ error }) => error.code),
  };
}

test('is made on what the fleet has', async () => {
  expect(await stepsOf(NIGHTLY, [])).toEqual({ steps: [['create', ['ins-1']]], failed: [] });
});

test('an instance that comes, and one that goes, change the list at the provider', async () => {
  listed = async () => ['ins-2', 'ins-3'];
  expect(await stepsOf()).toEqual({ steps: [['change', ['ins-2', 'ins-3']]], failed: [] });
});

test.each([
  [
    'cannot be read',
    async () => {
      throw new FleetReflexError('provider.throttled', 'no', { disposition: 'retry' });
    },
    'provider.throttled',
  ],
  ['is empty', async () => [], 'fleet.empty'],
  [
    'has more than a schedule takes',
    async () => Array.from({ length: 101 }, (_, index) => `ins-${index}`),
    'fleet.too-large',
  ],
  ['has two kinds', async () => ['ins-1', 'lhins-1'], 'fleet.mixed'],
])('a fleet that %s leaves the schedule as the provider has it, and says so', async (_, list, code) => {
  listed = list;
  expect(await stepsOf()).toEqual({ steps: [], failed: [code] });
  expect(await stepsOf(NIGHTLY, [])).toEqual({ steps: [], failed: [code] });
});

test('those that it names must be in the fleet', async () => {
  listed = async () => ['ins-1', 'ins-2'];
  expect(await stepsOf({ ...NIGHTLY, instances: ['ins-2'] })).toEqual({
    steps: [['change', ['ins-2']]],
    failed: [],
  });
  expect(await stepsOf({ ...NIGHTLY, instances: ['ins-9'] })).toEqual({
    steps: [],
    failed: ['instances.not-in-fleet'],
  });
});
