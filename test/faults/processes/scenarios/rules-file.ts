/** What the rules files of the scenarios begin with, and fleets of instances that append to a file. */
export const HEAD = `version: 1
providers: { tencent: { region: ap-guangzhou }, alibaba: { region: cn-hangzhou } }
destinations: { completions: { sqs: completions } }
`;

export interface FleetFile {
  instances: readonly string[];
  /** Scripts by their command's id. */
  commands: Readonly<Record<string, string>>;
}

export function fleetFile({ instances, commands }: FleetFile): string {
  return JSON.stringify({
    version: 1,
    instances: instances.map((id) => ({ id })),
    commands: Object.entries(commands).map(([id, content]) => ({
      id,
      name: id,
      content,
      enableParameter: true,
    })),
  });
}
