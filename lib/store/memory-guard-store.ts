/** What guards remember, in memory: for rehearsals, which ask the real guards and touch nothing. */
import { type Begun, HOUR_MS, whyNoRoom } from '../model/hourly-count.ts';
import type { RunId } from '../model/run-request.ts';
import type { Agenda, Freeze, GuardStore } from './guard-store.ts';
import type { HeldLock } from './instance-locks.ts';
import type { Aim, Tombstone } from './tombstones.ts';

interface HeldClaim {
  runId: RunId;
  at: Date;
  until: Date;
}

/** Keeps what the store on DynamoDB keeps (test/contract/guard-store-contract.ts holds both), for one process. */
export function memoryGuardStore(): GuardStore {
  const claims = new Map<string, HeldClaim>();
  const hours = new Map<string, Map<RunId, Begun>>();
  const flights = new Map<string, Set<RunId>>();
  const agendas = new Map<string, Agenda>();
  const cells = new Map<string, unknown>();
  const tombstones = new Map<string, { tombstone: Tombstone; until: Date }[]>();
  const locks = new Map<string, HeldLock>();
  let frozen: Freeze | undefined;

  const held = (name: string, now: Date): HeldClaim | undefined => {
    const claim = claims.get(name);
    return claim !== undefined && claim.until > now ? claim : undefined;
  };

  return {
    async claim(guard, rule, key, runId, until, now) {
      const name = keyOf(guard, rule, key);
      const claim = held(name, now);
      if (claim === undefined) {
        claims.set(name, { runId, at: now, until });
        return { isOurs: true };
      }
      return claim.runId === runId
        ? { isOurs: true }
        : { isOurs: false, runId: claim.runId, until: claim.until };
    },
    async claimant(guard, rule, key, now) {
      const claim = held(keyOf(guard, rule, key), now);
      return claim && { ...claim };
    },
    async release(guard, rule, key, runId) {
      const name = keyOf(guard, rule, key);
      if (claims.get(name)?.runId === runId) claims.delete(name);
    },
    async countRun({ rule, runId, instances }, limits, now) {
      const begun = hours.get(rule) ?? new Map<RunId, Begun>();
      hours.set(rule, begun);
      for (const [id, { at }] of begun) if (at <= now.getTime() - HOUR_MS) begun.delete(id);
      if (begun.has(runId)) return { isWithin: true };
      const noRoom = whyNoRoom([], instances, limits) ?? whyNoRoom([...begun.values()], instances, limits);
      if (noRoom !== undefined) return noRoom;
      begun.set(runId, { at: now.getTime(), instances });
      return { isWithin: true };
    },
    async uncountRun(rule, runId) {
      hours.get(rule)?.delete(runId);
    },
    async enterFlight(rule, runId, max) {
      const flight = flights.get(rule) ?? new Set<RunId>();
      if (!flight.has(runId) && flight.size >= max) return false;
      flights.set(rule, flight.add(runId));
      return true;
    },
    async leaveFlight(rule, runId) {
      flights.get(rule)?.delete(runId);
    },
    flight: async (rule) => [...(flights.get(rule) ?? [])],
    async revise({ guard, of, key, schema, empty }, edit) {
      const name = keyOf(guard, of, key);
      const before = cells.has(name) ? schema.parse(cells.get(name)) : empty;
      const { state, answer } = edit(before);
      if (state !== before) cells.set(name, state);
      return answer;
    },
    async lockInstances({ runId, provider, region, instances }, until, now) {
      const taken = instances.flatMap((instanceId) => {
        const lock = locks.get(JSON.stringify([provider, region, instanceId]));
        return lock !== undefined && lock.runId !== runId && lock.until > now ? [lock] : [];
      });
      if (taken.length > 0) return taken;
      for (const instanceId of instances) {
        locks.set(JSON.stringify([provider, region, instanceId]), { instanceId, runId, until });
      }
      return [];
    },
    async heldLocks(provider, region) {
      const prefix = JSON.stringify([provider, region]).slice(0, -1);
      return [...locks].flatMap(([name, lock]) => (name.startsWith(`${prefix},`) ? [lock] : []));
    },
    async unlockInstances({ runId, provider, region, instances }) {
      for (const instanceId of instances) {
        const name = JSON.stringify([provider, region, instanceId]);
        if (locks.get(name)?.runId === runId) locks.delete(name);
      }
    },
    agenda: async (rule) => agendas.get(rule) ?? { revision: 0, appointments: [] },
    async saveAgenda(rule, { revision, appointments }) {
      if ((agendas.get(rule)?.revision ?? 0) !== revision) return false;
      agendas.set(rule, { revision: revision + 1, appointments });
      return true;
    },
    async leaveTombstone(aim, tombstone, until) {
      const name = nameOf(aim);
      tombstones.set(name, [...(tombstones.get(name) ?? []), { tombstone, until }]);
    },
    tombstones: async (aim, _trigger, now) =>
      (tombstones.get(nameOf(aim)) ?? []).flatMap(({ tombstone, until }) => (until > now ? [tombstone] : [])),
    freeze: async (now) => (frozen?.until !== undefined && frozen.until <= now ? undefined : frozen),
    async setFreeze(freeze) {
      frozen = freeze;
    },
  };
}

function nameOf({ rule, key }: Aim): string {
  return keyOf('cancel', rule, key);
}

function keyOf(guard: string, rule: string, key: string | undefined): string {
  return JSON.stringify([guard, rule, key]);
}
