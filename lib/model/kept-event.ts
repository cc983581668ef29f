/**
 * The part of an event that the record of its decision keeps, so that other rules can be tested with real events
 * (docs/decisions/2026-11-21-kept-events.md). Never the credentials of a request.
 */
import { HIDDEN } from './secret-parameters.ts';
import type { TriggerEvent } from './trigger-event.ts';

/**
 * - `nothing`: only what was decided
 * - `fields`: alerts, deployments and completions, without the original (`data.raw`) and what tasks printed
 * - `all`: also the originals, chat messages, and generic events
 */
export const KEEP_EVENTS = ['nothing', 'fields', 'all'] as const;
export type KeepEvents = (typeof KEEP_EVENTS)[number];

/** The size of one kept event. A larger one is kept without its original, or not at all. */
export const MAX_KEPT_BYTES = 16 * 1024;

/** Names of fields whose values are never kept, at any depth. */
const SECRET_NAME =
  /authorization|cookie|token|secret|password|passwd|signature|api[-_]?key|private[-_]?key|credential|response_?url|webhook_?url|trigger_?id/i;

/** @returns a trigger event as JSON has it; undefined where it is not kept */
export function keptEvent(event: TriggerEvent, keep: KeepEvents): unknown {
  switch (keep) {
    case 'nothing':
      return undefined;
    case 'fields':
      return event.kind === 'chat' || event.kind === 'generic'
        ? undefined
        : firstThatFits([withoutOriginal(event)]);
    case 'all':
      return firstThatFits([event, withoutOriginal(event)]);
  }
}

function firstThatFits(forms: readonly object[]): unknown {
  for (const form of forms) {
    const text = JSON.stringify(form, withoutSecrets);
    if (Buffer.byteLength(text) <= MAX_KEPT_BYTES) return JSON.parse(text);
  }
  return undefined;
}

function withoutOriginal(event: TriggerEvent): object {
  const { raw: _, ...data } = event.data;
  const printed: unknown = 'tasks' in data ? data['tasks'] : undefined;
  if (!Array.isArray(printed)) return { ...event, data };
  const tasks = printed.map((task: unknown) =>
    typeof task === 'object' && task !== null ? { ...task, output: undefined } : task,
  );
  return { ...event, data: { ...data, tasks } };
}

/** Texts alone: what an object has below such a name is looked at by its own names. */
function withoutSecrets(name: string, value: unknown): unknown {
  return typeof value === 'string' && SECRET_NAME.test(name) ? HIDDEN : value;
}
