/**
 * The standing schedules that the rules file wants. The file is read once for its digest; it is parsed, and the rule
 * parser loaded, only when it has changed or it is time to compare.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { WantedSchedules } from '../schedules/tend.ts';

export function wantedSchedules(rulesFile: string): WantedSchedules {
  const text = readFileSync(rulesFile, 'utf8');
  return {
    digest: createHash('sha256').update(text).digest('hex'),
    load: async () => {
      const [{ loadRules }, { SOURCES }] = await Promise.all([
        import('../rules/load.ts'),
        import('../sources/registry.ts'),
      ]);
      return loadRules(text, rulesFile, SOURCES.values()).schedules;
    },
  };
}
