/** What TAT has stored as a command: DescribeCommands. The values are filled in here, as PreviewReplacedCommandContent does. */
import * as z from 'zod';
import type { Target } from '../../model/target.ts';
import { answerOf } from '../call-outcome.ts';
import { type StoredCommand, settingsOf } from '../stored-command.ts';
import type { VendorClient } from '../vendor-client.ts';
import { describeCommands } from './actions/commands.ts';

/** `{{name}}`, and `{{tat-hidden:name}}`, whose value the vendor's records do not show. */
const PLACEHOLDER = /\{\{(?:tat-hidden:)?([a-zA-Z0-9_-]{1,64})\}\}/g;
const Values = z.record(z.string(), z.string());

export async function storedCommand(
  client: VendorClient,
  { region, command, parameters }: Readonly<Target>,
): Promise<StoredCommand | undefined> {
  const asked = await client.call(
    describeCommands,
    region,
    { CommandIds: [command], Limit: 1 },
    { caller: 'approval' },
  );
  const rows = answerOf(asked, 'tencent', `reading the stored command ${command}`).CommandSet;
  const row = rows.find(({ CommandId }) => CommandId === command);
  if (row === undefined) return undefined;
  const { CommandType, WorkingDirectory, Timeout, EnableParameter, DefaultParameters, Username } = row;
  const content = Buffer.from(row.Content, 'base64').toString('utf8');
  const values = new Map([...Object.entries(readValues(DefaultParameters)), ...Object.entries(parameters)]);
  return {
    content,
    settings: settingsOf({
      CommandType,
      WorkingDirectory,
      Timeout,
      EnableParameter,
      DefaultParameters,
      Username,
    }),
    script:
      EnableParameter === false
        ? content
        : content.replaceAll(PLACEHOLDER, (placeholder, name: string) => values.get(name) ?? placeholder),
  };
}

function readValues(json: string | undefined): Record<string, string> {
  if (json === undefined || json === '') return {};
  try {
    return Values.safeParse(JSON.parse(json)).data ?? {};
  } catch {
    return {};
  }
}
