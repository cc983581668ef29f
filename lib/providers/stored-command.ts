/**
 * A stored command as its vendor has it now: what an approval is bound to, and what people see before they approve. A
 * vendor lets anybody with its keys change it between the two.
 */
import type { Target } from '../model/target.ts';

export interface StoredCommand {
  /** As it is stored. */
  content: string;
  /** What else of it decides what runs, by name: type, user, directory, time-out, default values. */
  settings: Readonly<Record<string, string>>;
  /** The content with the target's values filled in, by the vendor's rules. */
  script: string;
}

/** A cloud that says what a stored command is. */
export interface KeepingCommands {
  /**
   * @param target its parameters are filled in; pass what people may see
   * @returns undefined if there is no such command
   * @throws FleetReflexError `provider.*`: the vendor cannot be asked, or does not allow it
   */
  storedCommand(target: Readonly<Target>): Promise<StoredCommand | undefined>;
}

/** Those that are set, as text, in one order. */
export function settingsOf(given: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(given)
      .filter(([, value]) => value !== undefined && value !== null && value !== '')
      .map(([name, value]) => [name, String(value)] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}
