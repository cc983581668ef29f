/** EnableInvoker, DisableInvoker and DeleteInvoker. */
import * as z from 'zod';
import { defineAction } from '../action.ts';
import { findInvoker, invokerIdField } from '../invokers.ts';
import { now, type World } from '../world.ts';

const input = z.strictObject({ InvokerId: invokerIdField });

export const enableInvoker = defineAction({
  name: 'EnableInvoker',
  input,
  run(world, { InvokerId }, { region }) {
    turn(world, InvokerId, region, true);
    return {};
  },
});

export const disableInvoker = defineAction({
  name: 'DisableInvoker',
  input,
  run(world, { InvokerId }, { region }) {
    turn(world, InvokerId, region, false);
    return {};
  },
});

export const deleteInvoker = defineAction({
  name: 'DeleteInvoker',
  input,
  run(world, { InvokerId }, { region }) {
    const { id } = findInvoker(world, InvokerId, region);
    world.scheduler.disarm(id);
    world.records.invokers.delete(id);
    return {};
  },
});

function turn(world: World, id: string, region: string, isEnabled: boolean): void {
  const invoker = findInvoker(world, id, region);
  if (invoker.isEnabled === isEnabled) return;
  const changed = { ...invoker, isEnabled, updatedAt: now(world) };
  world.records.invokers.set(id, changed);
  world.scheduler.rearm(changed);
}
