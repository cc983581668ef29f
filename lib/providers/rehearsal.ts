/**
 * The seam to a cloud that says what a command would do, and does not do it. For people and their CI; dispatch and
 * poller know nothing of it.
 */
import type { Invocation, ProviderFailure } from './provider.ts';

export interface Rehearsal {
  /** The script with the values of its parameters; absent if it is unknown. */
  content?: {
    text: string;
    /** Who has filled the values in: the vendor, or this program by the vendor's rules. */
    filledInBy: 'vendor' | 'us';
  };
  /** User, directory and time-out: the request's, otherwise the stored command's. */
  settings: { name?: string; type?: string; username?: string; workingDirectory?: string; timeout?: string };
  /** Why the vendor would not take the call, or cannot say. Then nothing would run. */
  refusal?: Pick<ProviderFailure, 'code' | 'message' | 'advice'>;
  /** One for each that the request names. */
  instances: readonly RehearsedInstance[];
  /** What this vendor does not look at when it rehearses. */
  unchecked: string;
}

export interface RehearsedInstance {
  instanceId: string;
  wouldRun: boolean;
  /** Why not. */
  reason?: string;
  advice?: string;
}

export interface Rehearsing {
  /** Runs nothing. Never throws for what the vendor or the network does: that is a `refusal`. */
  rehearse(invocation: Invocation): Promise<Rehearsal>;
}

/** Whether all of it would run. */
export function wouldRun({ refusal, instances }: Rehearsal): boolean {
  return refusal === undefined && instances.every((instance) => instance.wouldRun);
}
