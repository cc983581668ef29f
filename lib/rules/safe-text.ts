/**
 * What a parameter's value may be unless the rule says otherwise: characters that no shell (sh, PowerShell, cmd) reads
 * as anything but themselves, for the provider pastes values into a script. And `safe()`, which makes any text so.
 */

/**
 * Letters, digits and `_ . , : @ / + = -`, at most 256, not beginning with `-` or `+` (an option), `=` (a command's
 * path in zsh) or `@` (a file in many tools, an array in PowerShell). Empty is allowed.
 */
export const DEFAULT_PATTERN = '([A-Za-z0-9_.,:/][A-Za-z0-9_.,:@/+=-]{0,255})?';

const MAX_LENGTH = 256;

/** Each run of other characters becomes one `_`; what may not stand first is dropped; cut at 256 characters. */
export function toSafeText(text: string): string {
  return text
    .slice(0, 4 * MAX_LENGTH)
    .replace(/[^A-Za-z0-9_.,:@/+=-]+/g, '_')
    .replace(/^[@+=-]+/, '')
    .slice(0, MAX_LENGTH);
}

/** Characters that some shell reads as more than themselves; a pattern that takes one deserves a second look. */
export const SHELL_CHARACTERS = [...';&|<>()$`\\"\'*?[]{}!#~^%\n\r'];
