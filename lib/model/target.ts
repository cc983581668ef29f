/** What runs where. It is carried whole: from a rule to the run request, the run, and the provider's invocation. */
import * as z from 'zod';
import { InvocationOptions } from './invocation-options.ts';
import { ProviderName } from './provider-name.ts';

export const Target = z.strictObject({
  provider: ProviderName,
  region: z.string(),
  /** The vendor's id of a stored command: `cmd-…` (TAT), `c-…` (Cloud Assistant). */
  command: z.string(),
  /** None only where the cloud is still to be asked for them (lib/model/tagged-fleet.ts). */
  instances: z.array(z.string()),
  parameters: z.record(z.string(), z.string()),
  /** Those of the parameters whose values are for the provider alone (lib/model/secret-parameters.ts). */
  secretParameters: z.array(z.string()).min(1).optional(),
  username: z.string().optional(),
  /** Absent: the command's own. */
  timeoutSeconds: z.int().min(1).max(86_400).optional(),
  workingDirectory: z.string().optional(),
  options: InvocationOptions.optional(),
});
export type Target = z.infer<typeof Target>;

/** The known part of a target that was refused: only for people, never sent. */
export const RefusedTarget = Target.pick({ provider: true, region: true, command: true }).partial({
  region: true,
  command: true,
});
export type RefusedTarget = z.infer<typeof RefusedTarget>;
