/**
 * `{{name}}` in a command: Cloud Assistant pastes the value as it is, ignores blanks inside the braces and the case
 * of names, and fills in its own `{{ACS::InstanceId}}` and the like.
 */
const PLACEHOLDER = /\{\{\s*([^{}]*?)\s*\}\}/g;
const BUILT_IN = /^acs::/i;

/** The parameters that a command defines, each once, in the order of their first use; built-ins are not among them. */
export function definedParameters(content: string): string[] {
  const names = new Map<string, string>();
  for (const [, name = ''] of content.matchAll(PLACEHOLDER)) {
    if (!BUILT_IN.test(name) && !names.has(name.toLowerCase())) names.set(name.toLowerCase(), name);
  }
  return [...names.values()];
}

/** @param values a parameter that is not passed becomes the empty text; an unknown built-in stays as it stands */
export function fillPlaceholders(
  content: string,
  values: Readonly<Record<string, string>>,
  builtIns: Readonly<Record<string, string>>,
): string {
  const byName = new Map(Object.entries(values).map(([name, value]) => [name.toLowerCase(), value]));
  const ours = new Map(
    Object.entries(builtIns).map(([name, value]) => [`acs::${name.toLowerCase()}`, value]),
  );
  return content.replace(PLACEHOLDER, (whole, name: string) => {
    const key = name.toLowerCase();
    return BUILT_IN.test(name) ? (ours.get(key) ?? whole) : (byName.get(key) ?? '');
  });
}
