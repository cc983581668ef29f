/** Labels, tags and dimensions in the many shapes that senders give them, as one flat record of text. */
import * as z from 'zod';
import { firstText, toText } from '../../model/id-parts.ts';

/** An optional field for `firstText`: no value of it is a reason to refuse a payload. */
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

/** The names that clouds and monitors use for an alert's instance. */
const INSTANCE_LABELS = ['instance_id', 'InstanceId', 'instanceId', 'unInstanceId'] as const;

/** Adds the label `instance_id`, so that one rule works for every monitor that names the instance. */
export function withInstanceId(labels: Record<string, string>): Record<string, string> {
  const id = firstText(...INSTANCE_LABELS.map((name) => labels[name]));
  return id === undefined ? labels : { ...labels, instance_id: id };
}
