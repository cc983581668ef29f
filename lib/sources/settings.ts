/**
 * A source's entry under `sources:` in rules.yml: its own settings and the common ones. It is parsed once, when the rules
 * are loaded.
 */
import * as z from 'zod';

const Tenants = z
  .array(z.string().min(1))
  .nonempty()
  .optional()
  .describe(
    'The tenants whose people may use rules: ids of workspaces, guilds, organisations or companies (`event.data.tenant`; docs/sources.md). Default: all but people whom the platform marks as external.',
  );
const OPEN_QUEUE = z
  .boolean()
  .default(true)
  .describe(
    'Whether messages of the `events` queue may be its events; the queue’s policy is all their proof. `false` closes the queue to it.',
  );
const CLOSED_QUEUE = z
  .boolean()
  .refine((isOpen) => !isOpen, 'expected false: what a person says is taken over HTTP only')
  .default(false)
  .describe('Its events are commands of people, which the `events` queue never brings.');

/** @param hasPeople it sends commands of people @param hasSystems it sends events of systems, too */
export function entrySchema(own: z.ZodObject, { hasPeople = false, hasSystems = false }) {
  const queue = hasSystems ? OPEN_QUEUE : CLOSED_QUEUE;
  const entry = hasPeople ? own.safeExtend({ queue, tenants: Tenants }) : own.safeExtend({ queue });
  return entry.brand<'SourceSettings'>();
}

export type EntrySchema = ReturnType<typeof entrySchema>;
/**
 * An entry parsed by its source's schema, with every default. Only that source knows its fields. The brand rejects an
 * unparsed entry, which has no defaults: an undefined window would accept any time.
 */
export type SourceSettings = z.infer<EntrySchema>;

/** Whether the `events` queue accepts its events; commands of people are never accepted there. */
export function takesMessages(settings: SourceSettings): boolean {
  return settings['queue'] === true;
}

/** The tenants whose people may use rules. @returns undefined if the entry lists none */
export function tenantsOf(settings: SourceSettings): readonly string[] | undefined {
  return Tenants.parse(settings['tenants']);
}

/** The command word before a verb. The setting is optional for a source, but always has this name. */
export function commandOf(settings: SourceSettings | undefined): string {
  const command = settings?.['command'];
  return typeof command === 'string' ? command : '/fleet';
}
