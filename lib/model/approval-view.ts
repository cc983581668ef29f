/** The approval of a run as people see it: who may, until when, what will run where, and what was said. */
import * as z from 'zod';
import { RunApproval } from './approval.ts';

const { users, channels, chats } = RunApproval.shape;

/** What a run will send: of all of its machines the same script. */
export const Plan = z.strictObject({
  /** Its beginning, where `scriptLength` says how long it is. Without the values of secret parameters. */
  script: z.string(),
  scriptLength: z.int().optional(),
  /** Of the stored command: user, directory, time-out, by the cloud's names. */
  settings: z.record(z.string(), z.string()),
  parameters: z.record(z.string(), z.string()),
  username: z.string().optional(),
  workingDirectory: z.string().optional(),
  timeoutSeconds: z.int().optional(),
  /** The machines that get it together; more than one list of a run in waves. Of long lists the beginning. */
  waves: z.array(z.strictObject({ count: z.int(), instances: z.array(z.string()) })),
  /** Waves that are not listed. */
  wavesOmitted: z.int().optional(),
});
export type Plan = z.infer<typeof Plan>;

export const ApprovalView = z.strictObject({
  users,
  channels,
  chats,
  /** ISO 8601. */
  askedAt: z.string().optional(),
  until: z.string().optional(),
  verdict: z.enum(['approved', 'denied', 'expired']).optional(),
  by: z.string().optional(),
  at: z.string().optional(),
  why: z.string().optional(),
  /** Absent until it was asked. */
  plan: Plan.optional(),
});
export type ApprovalView = z.infer<typeof ApprovalView>;

/** What will run and where, in lines; the script is apart. Names between backticks. */
export function planLines({ waves, wavesOmitted = 0, settings, ...plan }: Plan): string[] {
  const { parameters, username, workingDirectory, timeoutSeconds } = plan;
  const own = Object.entries({
    user: username,
    directory: workingDirectory,
    'time-out': timeoutSeconds === undefined ? undefined : `${timeoutSeconds}s`,
  }).flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${value}`]));
  const stored = Object.entries(settings).map(([name, value]) => `${name} ${value}`);
  const given = Object.entries(parameters).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return [
    ...waves.map(({ count, instances }, index) => {
      const more = count > instances.length ? ` and ${count - instances.length} more` : '';
      const title = waves.length + wavesOmitted === 1 ? 'On' : `Wave ${index + 1} on`;
      return `${title} ${instances.map((id) => `\`${id}\``).join(', ')}${more}`;
    }),
    ...(wavesOmitted > 0 ? [`… and ${wavesOmitted} more waves`] : []),
    ...(given.length === 0 ? [] : [`Parameters: ${given.join(', ')}`]),
    ...(own.length === 0 ? [] : [`The rule says: ${own.join(', ')}`]),
    ...(stored.length === 0 ? [] : [`The stored command: ${stored.join(', ')}`]),
  ];
}
