/**
 * The forms of the ids that a rule names, for each provider, and its limits on a command's parameters: what is wrong
 * is refused before anything is on the queue. (InvokeCommand of TAT; InvokeCommand of Cloud Assistant.)
 */
import type { ProviderName } from '../model/provider-name.ts';

export interface ProviderForms {
  /** A whole instance id. */
  readonly instance: RegExp;
  readonly instanceExample: string;
  readonly command: RegExp;
  readonly commandExample: string;
  readonly maxParameters: number;
  readonly minTimeoutSeconds: number;
  /** Instances of one schedule (CreateInvoker; a timed InvokeCommand). */
  readonly maxScheduleInstances: number;
}

export const PROVIDER_FORMS: Readonly<Record<ProviderName, ProviderForms>> = {
  tencent: {
    instance: /^(ins|lhins|rins)-[0-9A-Za-z]{1,64}$/,
    instanceExample: 'ins-…, lhins-… or rins-…',
    command: /^cmd-[0-9A-Za-z]{1,64}$/,
    commandExample: 'cmd-…',
    maxParameters: 20,
    minTimeoutSeconds: 1,
    maxScheduleInstances: 100,
  },
  alibaba: {
    instance: /^m?i-[0-9a-z]{1,64}$/,
    instanceExample: 'i-… or mi-…',
    // Public commands are called by their names.
    command: /^(c-[0-9a-z]{1,64}|ACS-[0-9A-Za-z-]{1,64})$/,
    commandExample: 'c-… (or the name of a public command, ACS-…)',
    maxParameters: 10,
    minTimeoutSeconds: 10,
    maxScheduleInstances: 100,
  },
};

export const REGION = /^[a-z]{2}[a-z0-9-]{1,62}$/;
/** System users, and a domain's on Windows. */
export const USERNAME = /^[A-Za-z_][A-Za-z0-9_.-]{0,127}([\\@][A-Za-z0-9_.-]{1,127})?\$?$/;
/** An absolute path without anything that a shell would read twice. */
export const WORKING_DIRECTORY = /^(\/|[A-Za-z]:\\)[A-Za-z0-9_.,:@+=/\\ -]{0,254}$/;
