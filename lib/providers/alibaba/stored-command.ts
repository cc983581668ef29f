/** What Cloud Assistant has stored as a command: DescribeCommands. The values are filled in here, by the vendor's rules. */
import type { Target } from '../../model/target.ts';
import { answerOf } from '../call-outcome.ts';
import { type StoredCommand, settingsOf } from '../stored-command.ts';
import type { StoredCommand as Row } from './answers.ts';
import type { CloudAssistantClient } from './client.ts';

export async function storedCommand(
  client: CloudAssistantClient,
  { region, command, parameters }: Readonly<Target>,
): Promise<StoredCommand | undefined> {
  const asked = await client.describeCommands({
    RegionId: region,
    CommandId: command,
    ContentEncoding: 'PlainText',
  });
  const rows = answerOf(asked, 'alibaba', `reading the stored command ${command}`).Commands?.Command ?? [];
  const row = rows.find(({ CommandId }) => CommandId === command);
  if (row === undefined) return undefined;
  const { Type, WorkingDir, Timeout, EnableParameter, Launcher, CommandContent } = row;
  return {
    content: CommandContent ?? '',
    settings: settingsOf({ Type, WorkingDir, Timeout, EnableParameter, Launcher }),
    script: scriptOf(row, parameters) ?? '',
  };
}

/**
 * The vendor ignores blanks inside the braces and the case of names; what is not passed becomes empty, and its own
 * `{{ACS::…}}` differ by instance and stay.
 */
export function scriptOf(
  { CommandContent: content, EnableParameter: isEnabled }: Row,
  parameters: Readonly<Record<string, string>>,
): string | undefined {
  if (content === null || content === undefined || isEnabled !== true) return content ?? undefined;
  const values = new Map(Object.entries(parameters).map(([name, value]) => [name.toLowerCase(), value]));
  return content.replace(/\{\{\s*([^{}]*?)\s*\}\}/g, (whole, name: string) =>
    /^acs::/i.test(name) ? whole : (values.get(name.toLowerCase()) ?? ''),
  );
}
