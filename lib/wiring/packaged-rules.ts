/**
 * The rules of a packaged function (`#rules`, by the condition `packaged`): what lib/rules/pack-rules.ts made of
 * rules.yml. They are read with the first event, and what evaluates them is imported with them.
 */
import { accessSync, readFileSync } from 'node:fs';
import type { DoorConfig } from '../config.ts';
import type { FileWindows } from '../model/window.ts';
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

function headOf(rulesFile: string): () => PackedHead {
  let read: PackedHead | undefined;
  return () => {
    read ??= openHead(readFileSync(rulesFile, 'utf8'));
    return read;
  };
}

/** The windows of the file, read when they are asked for. */
export function fileWindows(rulesFile: string): () => Promise<FileWindows> {
  const head = headOf(rulesFile);
  return async () => head().windows;
}

/** The standing schedules that the file wants. */
export function wantedSchedules(rulesFile: string): WantedSchedules {
  const head = headOf(rulesFile);
  return {
    get digest() {
      return head().digest;
    },
    load: async () => head().schedules,
  };
}
