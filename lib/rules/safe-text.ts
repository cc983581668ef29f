/**
 * What a parameter's value may be unless the rule says otherwise: characters that no shell (sh, PowerShell, cmd) reads
 * as anything but themselves, for the provider pastes values into a script. And `safe()`, which makes any text so.
 */

/**
 * Letters, digits and `_ . : @ / + = -`, 1 to 256 of them, not beginning with `-` or `+` (an option), `/` (an option of
 * cmd, and the root), `=` (a command's path in zsh) or `@` (a file in many tools, an array in PowerShell). Not empty, for
 * `rm -rf /srv/{{x}}` means something else then; no `,`, which makes a list in PowerShell and two words in cmd.
 */
export const DEFAULT_PATTERN = '[A-Za-z0-9_.:][A-Za-z0-9_.:@/+=-]{0,255}';

const MAX_LENGTH = 256;

/**
 * Each run of other characters becomes one `_`; what may not stand first is dropped; cut at 256 characters; `_` where
 * nothing is left. The default pattern takes what it gives.
 */
export function toSafeText(text: string): string {
  const safe = text
    .slice(0, 4 * MAX_LENGTH)
    .replace(/[^A-Za-z0-9_.:@/+=-]+/g, '_')
    .replace(/^[@/+=-]+/, '')
    .slice(0, MAX_LENGTH);
  return safe === '' ? '_' : safe;
}

/** The sign of a number is not dropped, which would be another number: `-5` is `_5`, which no command takes for 5. */
export function toSafeNumber(value: number | bigint): string {
  return toSafeText(String(value).replace(/^-/, '_'));
}

/** Characters that some shell reads as more than themselves; PowerShell takes the quotes of typography for quotes. */
export const SHELL_CHARACTERS = [...';&|<>()$`\\"\'*?[]{}!#~^%\n\r\0‘’‚‛“”„'];
