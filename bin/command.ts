/** The type of a subcommand. To add one, add a file to bin/commands/ that exports `command`. */
import * as z from 'zod';
import { FleetReflexError } from '../lib/errors.ts';

export interface Command {
  /** One line for the list of commands. */
  summary: string;
  /** How to call it, several lines. */
  usage: string;
  /** Throws UsageError when it is called wrongly. @returns the exit code */
  run(args: readonly string[]): Promise<number>;
}

export const CommandModule = z.object({
  command: z.custom<Command>((it) => typeof it === 'object' && it !== null && 'run' in it && 'usage' in it),
});

/** It was called wrongly: the message and the usage are shown, and the exit code is 2. Its code is `usage.invalid`. */
export class UsageError extends FleetReflexError {
  /** @param details what is wrong, such as `{ option: '--since' }` */
  constructor(message: string, details: Readonly<Record<string, unknown>> = {}) {
    super('usage.invalid', message, { details });
  }
}
