/** Reads the rules file that a command was given. */
import { readFile } from 'node:fs/promises';
import { FleetReflexError } from '../../../lib/errors.ts';
import { loadRules } from '../../../lib/rules/load.ts';
import type { RuleSet } from '../../../lib/rules/rule.ts';
import { SOURCES } from '../../../lib/sources/registry.ts';

/** With every warning. @throws FleetReflexError `rules.missing`, `rules.invalid` */
export async function readRules(fileName: string): Promise<RuleSet> {
  const text = await readFile(fileName, 'utf8').catch((cause: unknown) => {
    throw new FleetReflexError(
      'rules.missing',
      `There is no rules file ${fileName} that can be read. Name one, or set RULES_FILE.`,
      { cause },
    );
  });
  return loadRules(text, fileName, SOURCES.values(), { looksForFeedback: true });
}
