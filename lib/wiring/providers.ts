/** The clouds, with the credentials that the configuration gives or names. */
import type { ProvidersConfig, SecretsConfig } from '../config.ts';
import { FleetReflexError } from '../errors.ts';
import type { CredentialFacts, OpenProvider } from '../providers/provider-module.ts';
import { allProviders, loadProvider } from '../providers/registry.ts';
import type { SchedulePorts } from '../schedules/context.ts';
import { readSecret } from '../secrets.ts';

type Config = ProvidersConfig & SecretsConfig & { STAGE: string };

/** Every cloud that is registered, by name. No connection is opened before the first call. */
export async function providersOf(config: Config): Promise<Readonly<Record<string, OpenProvider>>> {
  const settings = Object.fromEntries(Object.entries(config));
  const open = allProviders().map(async ({ name }) => {
    const module = await loadProvider(name);
    const provider = module.open({
      settings,
      credentials: (facts) => () => credentialsOf(facts, settings, config),
      requestShares: config.REQUEST_SHARES,
      stage: config.STAGE,
    });
    return [name, provider] as const;
  });
  return Object.fromEntries(await Promise.all(open));
}

/** Of the clouds that start commands by themselves. */
export function schedulesOf(providers: Readonly<Record<string, OpenProvider>>): SchedulePorts {
  return Object.fromEntries(
    Object.entries(providers).flatMap(([name, { schedules }]) =>
      schedules === undefined ? [] : [[name, schedules] as const],
    ),
  );
}

export async function closeProviders(providers: Readonly<Record<string, OpenProvider>>): Promise<void> {
  await Promise.all(Object.values(providers).map((provider) => provider.close()));
}

async function credentialsOf<Credentials>(
  { title, secret, fields, schema }: CredentialFacts<Credentials>,
  settings: Readonly<Record<string, unknown>>,
  config: SecretsConfig,
): Promise<Credentials> {
  const reference = settings[secret];
  const variables: [string, string][] = Object.entries(fields);
  const found =
    typeof reference === 'string'
      ? parseJson(reference, await readSecret(reference, config))
      : Object.fromEntries(
          variables.flatMap(([field, name]) =>
            settings[name] === undefined ? [] : [[field, settings[name]]],
          ),
        );
  const credentials = schema.safeParse(found);
  if (credentials.success) return credentials.data;
  // What a secret with nothing in it lacks.
  const required = new Set(schema.safeParse({}).error?.issues.map(({ path }) => String(path[0])));
  const shape = variables.map(([field]) => `"${field}"${required.has(field) ? '' : '?'}`).join(', ');
  const needed = variables.flatMap(([field, name]) => (required.has(field) ? [name] : [])).join(' and ');
  const remedy =
    typeof reference === 'string'
      ? `the secret ${reference} must be {${shape}}`
      : `set ${needed}, or name a secret that has them`;
  throw new FleetReflexError('credentials.missing', `There are no credentials for ${title}: ${remedy}.`, {
    disposition: 'retry',
  });
}

function parseJson(reference: string, text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch (cause) {
    throw new FleetReflexError(
      'credentials.invalid',
      `The secret ${reference} must hold JSON, and it does not.`,
      { disposition: 'retry', cause },
    );
  }
}
