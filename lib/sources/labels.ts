/** Labels, tags and dimensions in the many shapes that senders give them, as one flat record of text. */
import * as z from 'zod';

/** A field that is read with `firstText` and not needed: whatever it holds, it is no reason to refuse a payload. */
export const lenientText = z.unknown().optional();

/** Text, numbers and booleans as text; a nested value as its JSON; nothing for null. */
export function toLabels(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  const labels: Record<string, string> = {};
  for (const [name, item] of Object.entries(value)) {
    const text = toText(item);
    if (text !== undefined) labels[name] = text;
  }
  return labels;
}

/** Text that is worth keeping: undefined for null, for nothing, and for the empty text. */
function toText(value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** The first that is text and not empty. */
export function firstText(...values: readonly unknown[]): string | undefined {
  for (const value of values) {
    const text = toText(value);
    if (text !== undefined) return text;
  }
  return undefined;
}

/** What clouds and monitors call the instance that an alert is about. */
const INSTANCE_LABELS = ['instance_id', 'InstanceId', 'instanceId', 'unInstanceId'] as const;

/** Adds the label `instance_id`, so that one rule fits every monitor that names the instance in some way. */
export function withInstanceId(labels: Record<string, string>): Record<string, string> {
  const id = firstText(...INSTANCE_LABELS.map((name) => labels[name]));
  return id === undefined ? labels : { ...labels, instance_id: id };
}
