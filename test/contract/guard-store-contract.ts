/** What every store of the guards' memory has to do; guard-store.test.ts holds both to it. */
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { runIdFor } from '../../lib/model/run-id.ts';
import type { GuardStore } from '../../lib/store/guard-store.ts';

const T0 = Date.parse('2026-11-20T10:00:00Z');
const at = (minutes: number) => new Date(T0 + minutes * 60_000);
const one = runIdFor('rule', 'test', '1');
const two = runIdFor('rule', 'test', '2');
const three = runIdFor('rule', 'test', '3');

export function guardStoreContract(name: string, open: () => GuardStore): void {
  const store = open();
  const aRule = () => `rule-${randomUUID()}`;

  describe(name, () => {
    it('lets one run hold a claim until it ends, and only this run frees it', async () => {
      const rule = aRule();
      const claim = (run: string, from: number, until: number) =>
        store.claim('dedupe', rule, 'k', run, at(until), at(from));
      expect([
        await claim(one, 0, 10),
        await claim(one, 1, 11),
        await claim(two, 2, 12),
        await store.claimant('dedupe', rule, 'k', at(3)),
      ]).toEqual([
        { isOurs: true },
        { isOurs: true },
        { isOurs: false, runId: one, until: at(10) },
        { runId: one, at: at(0), until: at(10) },
      ]);
      await store.release('dedupe', rule, 'k', two);
      expect(await claim(two, 4, 14)).toMatchObject({ isOurs: false });
      expect(await store.claimant('dedupe', rule, 'k', at(10))).toBeUndefined();
      expect(await claim(two, 10, 20)).toEqual({ isOurs: true });
      await store.release('dedupe', rule, 'k', two);
      expect(await claim(three, 11, 21)).toEqual({ isOurs: true });
    });

    it('lets exactly one of 500 hold a claim that all ask for at once', async () => {
      const rule = aRule();
      const claims = await Promise.all(
        Array.from({ length: 500 }, (_, n) =>
          store.claim('dedupe', rule, 'k', runIdFor(rule, 'test', String(n)), at(10), at(0)),
        ),
      );
      expect(claims.filter(({ isOurs }) => isOurs).length).toBe(1);
    });

    it('keeps claims of other guards, rules and keys apart', async () => {
      const rule = aRule();
      await store.claim('dedupe', rule, 'k', one, at(10), at(0));
      for (const [guard, of, key] of [
        ['cooldown', rule, 'k'],
        ['dedupe', aRule(), 'k'],
        ['dedupe', rule, 'other'],
        ['dedupe', rule, undefined],
      ] as const) {
        expect(await store.claim(guard, of, key, two, at(10), at(0))).toEqual({ isOurs: true });
      }
    });

    it('counts a run of an hour once, and says when there is room again', async () => {
      const rule = aRule();
      const count = (runId: string, minute: number, instances = 1) =>
        store.countRun({ rule, runId, instances }, { runs: 2, instances: 5 }, at(minute));
      expect(await count(one, 0)).toEqual({ isWithin: true });
      expect(await count(one, 1)).toEqual({ isWithin: true });
      expect(await count(two, 5, 5)).toEqual({ isWithin: false, by: 'instances', until: at(60) });
      expect(await count(two, 5, 6)).toEqual({ isWithin: false, by: 'instances' });
      expect(await count(two, 10)).toEqual({ isWithin: true });
      expect(await count(three, 20)).toEqual({ isWithin: false, by: 'runs', until: at(60) });
      expect(await count(three, 20, 6)).toEqual({ isWithin: false, by: 'instances' });
      expect(await count(three, 60)).toEqual({ isWithin: true });
      await store.uncountRun(rule, three);
      await store.uncountRun(rule, three);
      expect(await count(one, 61)).toEqual({ isWithin: true });
    });

    it('has so many runs of a rule in flight, and each once', async () => {
      const rule = aRule();
      expect([
        await store.enterFlight(rule, one, 1),
        await store.enterFlight(rule, one, 1),
        await store.enterFlight(rule, two, 1),
      ]).toEqual([true, true, false]);
      expect([await store.flight(rule), await store.flight(aRule())]).toEqual([[one], []]);
      await store.leaveFlight(rule, two);
      expect(await store.enterFlight(rule, two, 1)).toBe(false);
      await store.leaveFlight(rule, one);
      expect(await store.flight(rule)).toEqual([]);
      expect(await store.enterFlight(rule, two, 1)).toBe(true);
    });

    it('changes a cell as if each that asks were alone, however many ask at once', async () => {
      const rule = aRule();
      const cell = (key?: string) => ({ guard: 'times', of: rule, key, schema: z.array(z.int()), empty: [] });
      const add = (n: number, key?: string) =>
        store.revise(cell(key), (known: number[]) => ({ state: [...known, n], answer: known.length }));
      const places = await Promise.all(Array.from({ length: 500 }, (_, n) => add(n)));
      expect(places.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 500 }, (_, n) => n));
      expect([await add(1, ''), await add(1, 'k')]).toEqual([0, 0]);
      const read = (known: number[]) => ({ state: known, answer: known });
      expect([await store.revise(cell('k'), read), await store.revise(cell('none'), read)]).toEqual([
        [1],
        [],
      ]);
    });

    const locking = (region: string, runId: string, ...instances: string[]) => ({
      runId,
      provider: 'tencent',
      region,
      instances,
    });

    it('gives a run all of the instances that it asks for, or none', async () => {
      const region = aRule();
      const lock = (runId: string, minute: number, ...instances: string[]) =>
        store.lockInstances(locking(region, runId, ...instances), at(minute + 10), at(minute));
      const has = (runId: string, instanceId: string, until: number) => ({
        instanceId,
        runId,
        until: at(until),
      });
      const many = Array.from({ length: 200 }, (_, index) => `ins-${index}`);
      expect(await lock(one, 0, 'ins-1', 'ins-2')).toEqual([]);
      expect(await lock(two, 1, 'ins-3')).toEqual([]);
      const held = await lock(three, 2, ...many);
      expect(held.toSorted((a, b) => (a.instanceId < b.instanceId ? -1 : 1))).toEqual([
        has(one, 'ins-1', 10),
        has(one, 'ins-2', 10),
        has(two, 'ins-3', 11),
      ]);
      // Nothing of it is left.
      expect(await lock(two, 3, ...many.slice(3))).toEqual([]);
      expect(await lock(one, 4, 'ins-1', 'ins-2')).toEqual([]);
      expect(await lock(two, 13, 'ins-1')).toEqual([has(one, 'ins-1', 14)]);
      expect(await lock(two, 15, 'ins-1', 'ins-2')).toEqual([]);
    });

    it('takes an instance back from nobody but the run that has it', async () => {
      const region = aRule();
      const lock = (runId: string, ...instances: string[]) =>
        store.lockInstances(locking(region, runId, ...instances), at(10), at(0));
      await lock(one, 'ins-1', 'ins-2');
      await store.unlockInstances(locking(region, two, 'ins-1', 'ins-2'));
      expect(await lock(two, 'ins-1')).toMatchObject([{ instanceId: 'ins-1', runId: one }]);
      // One of them was never its own.
      await store.unlockInstances(locking(region, one, 'ins-1', 'ins-3'));
      await store.unlockInstances(locking(region, one, 'ins-1', 'ins-3'));
      expect(await lock(two, 'ins-1', 'ins-3')).toEqual([]);
      expect(await lock(two, 'ins-2')).toMatchObject([{ instanceId: 'ins-2', runId: one }]);
    });

    it('keeps instances of other regions and providers apart', async () => {
      const region = aRule();
      const lock = (runId: string, provider: string, of: string) =>
        store.lockInstances({ ...locking(of, runId, 'ins-1'), provider }, at(10), at(0));
      expect([
        await lock(one, 'tencent', region),
        await lock(two, 'tencent', aRule()),
        await lock(three, 'alibaba', region),
      ]).toEqual([[], [], []]);
    });

    it('gives an instance to one of many runs that ask for overlapping sets at once', async () => {
      const region = aRule();
      const fleet = Array.from({ length: 30 }, (_, index) => `ins-${index}`);
      const runs = Array.from({ length: 100 }, (_, index) => {
        const instances = fleet.filter((_id, place) => (place * 7 + index) % 3 === 0);
        return locking(region, runIdFor('rule', 'test', `lock-${index}`), ...instances);
      });
      const answers = await Promise.all(
        runs.map(async (run) => ({ run, held: await store.lockInstances(run, at(10), at(0)) })),
      );
      const winners = answers.filter(({ held }) => held.length === 0).map(({ run }) => run);
      const taken = winners.flatMap(({ instances }) => instances);
      expect(winners.length).toBeGreaterThan(0);
      expect(taken).toEqual([...new Set(taken)]);
    });

    it('lets only who read the agenda last write it', async () => {
      const rule = aRule();
      const appointment = { runId: one, at: at(5).toISOString(), key: '', instances: 1 };
      expect(await store.agenda(rule)).toEqual({ revision: 0, appointments: [] });
      expect(await store.saveAgenda(rule, { revision: 0, appointments: [appointment] })).toBe(true);
      expect(await store.saveAgenda(rule, { revision: 0, appointments: [] })).toBe(false);
      expect(await store.agenda(rule)).toEqual({ revision: 1, appointments: [appointment] });
    });

    it('shows a cancel to the runs of its rule and key until it is over', async () => {
      const rule = aRule();
      const trigger = { source: 'slack', type: 'chat.command' };
      const tombstone = { by: 'ann', requestedAt: at(0).toISOString(), trigger };
      await store.leaveTombstone({ rule, key: 'k' }, tombstone, at(10));
      const seen = (key: string | undefined, minute: number) =>
        store.tombstones({ rule, key }, { source: 'alertmanager', type: 'alert.firing' }, at(minute));
      expect(await seen('k', 9)).toMatchObject([{ by: 'ann', requestedAt: at(0).toISOString() }]);
      expect([await seen('k', 10), await seen('other', 9), await seen(undefined, 9)]).toEqual([[], [], []]);
    });

    it('is frozen until it is lifted, or its time is over', async () => {
      await store.setFreeze({ by: 'ann', reason: 'incident', until: at(10) });
      expect(await store.freeze(at(9))).toEqual({ by: 'ann', reason: 'incident', until: at(10) });
      expect(await store.freeze(at(10))).toBeUndefined();
      await store.setFreeze({ by: 'ann', reason: 'incident' });
      expect(await store.freeze(at(100))).toEqual({ by: 'ann', reason: 'incident' });
      await store.setFreeze(undefined);
      expect(await store.freeze(at(100))).toBeUndefined();
    });
  });
}
