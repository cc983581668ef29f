/** Runs belong to rules: who may use a rule where they type may see its runs and cancel them, and nobody else. */
import type { Rule } from '../rules/rule.ts';
import type { ChatPort, ChatRun } from './port.ts';

/** The chat's port, bound to one person: what a verb asks for and the person may not see is not there. */
export interface VisibleRuns {
  /** undefined for a run that does not exist and for one that the person may not see: they look the same. */
  one(runId: string): Promise<ChatRun | undefined>;
  /** Newest first. */
  newest(limit: number): Promise<readonly ChatRun[]>;
}

/** @param rules those that the person may use where they type */
export function visibleRuns(rules: readonly Rule[], port: ChatPort): VisibleRuns {
  const names = new Set(rules.map(({ name }) => name));
  const isVisible = ({ rule }: ChatRun): boolean => names.has(rule);
  return {
    async one(runId) {
      const run = names.size === 0 ? undefined : await port.status(runId);
      return run !== undefined && isVisible(run) ? run : undefined;
    },
    async newest(limit) {
      const runs = names.size === 0 ? [] : await port.recent([...names], limit);
      return runs.filter(isVisible);
    },
  };
}
