/**
 * The rules where functions run from their source, in tests: the file as a person writes it. It is `#rules` there; a
 * function that is packaged has lib/wiring/packaged-rules.ts in its place.
 */
import { readFileSync } from 'node:fs';
import type { DoorConfig } from '../config.ts';
import type { FileWindows } from '../model/window.ts';
import { loadRules } from '../rules/load.ts';
import { digestOf } from '../rules/pack-rules.ts';
import type { RuleSet } from '../rules/rule.ts';
import type { WantedSchedules } from '../schedules/tend.ts';
import { SOURCES } from '../sources/registry.ts';

/** @throws FleetReflexError `rules.invalid`: a function with a wrong rules file does not start */
export function rulesOf({ RULES_FILE }: Pick<DoorConfig, 'RULES_FILE'>): () => Promise<RuleSet> {
  const ruleSet = loadRules(readFileSync(RULES_FILE, 'utf8'), RULES_FILE, SOURCES.values());
  return async () => ruleSet;
}

/** The windows of the file, read when they are asked for. */
export function fileWindows(rulesFile: string): () => Promise<FileWindows> {
  return async () => loadRules(readFileSync(rulesFile, 'utf8'), rulesFile, SOURCES.values()).windows;
}

/** The standing schedules that the file wants. */
export function wantedSchedules(rulesFile: string): WantedSchedules {
  const text = readFileSync(rulesFile, 'utf8');
  return {
    digest: digestOf(text),
    load: async () => loadRules(text, rulesFile, SOURCES.values()).schedules,
  };
}
