/**
 * The rules of a packaged function (`#rules`, by the condition `packaged`): what lib/rules/pack-rules.ts made of
 * rules.yml. They are read with the first event, and what evaluates them is imported with them.
 */
import { accessSync, readFileSync } from 'node:fs';
import type { DoorConfig } from '../config.ts';
import { openHead, type PackedHead } from '../rules/packed-head.ts';
import type { RuleSet } from '../rules/rule.ts';
import type { WantedSchedules } from '../schedules/tend.ts';

/** @throws a function without its rules does not start */
export function rulesOf({ RULES_FILE }: Pick<DoorConfig, 'RULES_FILE'>): () => Promise<RuleSet> {
  accessSync(RULES_FILE);
  let opened: Promise<RuleSet> | undefined;
  const open = async (): Promise<RuleSet> => {
    const { openRules } = await import('../rules/open-rules.ts');
    return openRules(readFileSync(RULES_FILE, 'utf8'));
  };
  return () => {
    opened ??= open();
    return opened;
  };
}

/** The standing schedules that the file wants. */
export function wantedSchedules(rulesFile: string): WantedSchedules {
  let read: PackedHead | undefined;
  const head = (): PackedHead => {
    read ??= openHead(readFileSync(rulesFile, 'utf8'));
    return read;
  };
  return {
    get digest() {
      return head().digest;
    },
    load: async () => head().schedules,
  };
}
