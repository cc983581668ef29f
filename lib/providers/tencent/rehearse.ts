/**
 * A rehearsal at TAT: PreviewReplacedCommandContent for the text, the state of the agents for the instances. TAT has no dry
 * run: it checks user and directory only when the command starts.
 */
import { FleetReflexError } from '../../errors.ts';
import type { Target } from '../../model/target.ts';
import type { Invocation, Provider } from '../provider.ts';
import type { Rehearsal, RehearsedInstance } from '../rehearsal.ts';
import type { VendorClient } from '../vendor-client.ts';
import { type CommandRow, describeCommands, previewReplacedCommandContent } from './actions/commands.ts';

const CALLER = 'rehearse';
const UNCHECKED =
  'TAT looks at the text and the agents alone: not at user, directory, bucket, or the type of the command';

type Availability = Provider['availability'];

export async function rehearse(
  client: VendorClient,
  { target }: Invocation,
  availability: Availability,
): Promise<Rehearsal> {
  const { region, command, parameters } = target;
  const Parameters = Object.keys(parameters).length > 0 ? JSON.stringify(parameters) : undefined;
  const options = { caller: CALLER };
  const [preview, described, instances] = await Promise.all([
    client.call(previewReplacedCommandContent, region, { CommandId: command, Parameters }, options),
    client.call(describeCommands, region, { CommandIds: [command], Limit: 1 }, options),
    look(target, availability),
  ]);
  const base = { instances, unchecked: UNCHECKED };
  const found = described.kind === 'answered' ? described.answer.CommandSet : [];
  const row = found.find(({ CommandId }) => CommandId === command);
  const settings = settingsOf(target, row);
  if (preview.kind !== 'answered') return { ...base, settings, refusal: preview.failure };
  const text = Buffer.from(preview.answer.ReplacedContent, 'base64').toString('utf8');
  return { ...base, settings, content: { text, filledInBy: 'vendor' } };
}

async function look(
  { region, instances }: Readonly<Target>,
  availability: Availability,
): Promise<RehearsedInstance[]> {
  try {
    return (await availability(region, instances)).map(({ instanceId, isAvailable, reason }) => ({
      instanceId,
      wouldRun: isAvailable,
      ...(isAvailable
        ? {}
        : { reason: reason ?? 'unavailable', advice: 'Start it, or its agent; or see `onUnavailable`.' }),
    }));
  } catch (error) {
    if (!(error instanceof FleetReflexError)) throw error;
    return instances.map((instanceId) => ({ instanceId, wouldRun: false, reason: error.message }));
  }
}

function settingsOf(
  { username, workingDirectory, timeoutSeconds }: Readonly<Target>,
  row: CommandRow | undefined,
): Rehearsal['settings'] {
  const seconds = timeoutSeconds ?? row?.Timeout;
  const user = username ?? row?.Username;
  const directory = workingDirectory ?? row?.WorkingDirectory;
  return {
    ...(row !== undefined && { name: row.CommandName, type: row.CommandType }),
    ...(user !== undefined && { username: user }),
    ...(directory !== undefined && { workingDirectory: directory }),
    ...(seconds !== undefined && { timeout: `${seconds}s` }),
  };
}
