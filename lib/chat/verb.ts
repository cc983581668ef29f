/**
 * A built-in verb of the chat: what it is called, how its words are read, and what it does. `defineVerb` seals the
 * type of its command inside, so that a table can hold them all.
 */
import type { DoorOutcome } from '../model/decision.ts';
import type { ReplyTo } from '../model/reply-to.ts';
import type { RunRequest } from '../model/run-request.ts';
import type { ChatEvent } from '../rules/match.ts';
import type { Rule } from '../rules/rule.ts';
import type { VisibleRuns } from './visible-runs.ts';

/** What was typed after the verb. */
export interface Words {
  readonly args: readonly string[];
  /** The `key=value` words. */
  readonly options: Readonly<Record<string, string>>;
}

export interface ChatContext {
  event: ChatEvent;
  /** Those that the person may use where they type, and no others: a verb cannot name or run another. */
  rules: readonly Rule[];
  /** Runs of these rules, and no others. */
  runs: VisibleRuns;
  now: Date;
  replyTo?: ReplyTo | undefined;
  traceparent?: string | undefined;
  /** All that there are, for `help`. */
  verbs: readonly Verb[];
}

export interface ChatReply extends Pick<DoorOutcome, 'matched' | 'unmatched'> {
  /** Plain lines, names between backticks; each source makes its own format of it. */
  text: string;
  /** To be durable on the runs queue before anybody is answered. */
  requests: readonly RunRequest[];
}

/** Nothing is started: only words. */
export function saying(...lines: readonly string[]): ChatReply {
  return { text: lines.join('\n'), requests: [], matched: [], unmatched: [] };
}

export type Parsed<Command> = { ok: true; command: Command } | { ok: false; problem: string };

export interface VerbSpec<Command> {
  name: string;
  /** `run <rule> [key=value …]` */
  usage: string;
  /** A phrase: what it does. */
  summary: string;
  /** Reads what follows the verb. `problem` says what was expected and what came. */
  parse(words: Words): Parsed<Command>;
  /** Does it. Never throws for what a person typed; what a port throws goes through. */
  perform(command: Command, context: ChatContext): Promise<ChatReply>;
}

export interface Verb<Command = unknown> extends Pick<VerbSpec<Command>, 'name' | 'usage' | 'summary'> {
  /** The command, bound to what does it. */
  read(
    words: Words,
  ):
    | { ok: true; command: Command; perform(context: ChatContext): Promise<ChatReply> }
    | { ok: false; problem: string };
}

export function defineVerb<Command>(spec: VerbSpec<Command>): Verb<Command> {
  return {
    name: spec.name,
    usage: spec.usage,
    summary: spec.summary,
    read(words) {
      const parsed = spec.parse(words);
      return parsed.ok ? { ...parsed, perform: (context) => spec.perform(parsed.command, context) } : parsed;
    },
  };
}
