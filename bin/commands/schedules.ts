/** `fleet-reflex schedules`: when the standing schedules fire, and whether the providers have them so. */
import { parseArgs } from 'node:util';
import { allProviders } from '../../lib/providers/registry.ts';
import type { Place } from '../../lib/schedules/apply.ts';
import { type Command, UsageError } from '../command.ts';
import { listSchedules } from './schedules/list.ts';
import { planAtProviders, syncAtProviders } from './schedules/providers.ts';

const USAGE = `fleet-reflex schedules [--rules file]
    Lists the standing schedules of the rules file, each with the next five times: in the provider's zone (TAT's
    crontabs are in Beijing time), in UTC, and in this machine's. No provider is asked. Then the runs that wait for
    their time because a rule or a person scheduled them, which the deployment is asked for (FLEET_REFLEX_URL,
    RUNS_TOKEN, as for \`fleet-reflex runs\`).

fleet-reflex schedules plan [--rules file] [--region provider/region ...]
    Says what is different at the providers, and changes nothing. Only schedules with the mark of the stage (STAGE)
    are looked at. They are looked for in the regions that the rules name, and in those of --region.

fleet-reflex schedules sync [--rules file] [--region provider/region ...]
    Does what plan says. The poller does the same by itself; this is for when you do not want to wait, or to check
    credentials. Exit code 1 when something could not be done.

    plan and sync need TENCENTCLOUD_SECRET_ID, TENCENTCLOUD_SECRET_KEY (TENCENT_ENDPOINT), or ALIBABA_CLOUD_ACCESS_KEY_ID,
    ALIBABA_CLOUD_ACCESS_KEY_SECRET (ALIBABA_ENDPOINT), of the providers that the schedules are at, and STAGE.

    The file is rules.yml, or what RULES_FILE names.`;

export const command: Command = {
  summary: 'what fires when; whether the providers have the standing schedules',
  usage: USAGE,
  async run(args) {
    const options = { rules: { type: 'string' }, region: { type: 'string', multiple: true } } as const;
    const { positionals, values } = parseArgs({ args: [...args], options, allowPositionals: true });
    const [action, ...others] = positionals;
    if (others.length > 0)
      throw new UsageError(`Expected one of plan and sync, came ${positionals.join(' ')}.`);
    const rules = values.rules ?? process.env['RULES_FILE'] ?? 'rules.yml';
    const places = (values.region ?? []).map(readPlace);
    switch (action) {
      case undefined:
        return await listSchedules(rules, new Date());
      case 'plan':
        return await planAtProviders(rules, places);
      case 'sync':
        return await syncAtProviders(rules, places);
      default:
        throw new UsageError(`Expected \`plan\` or \`sync\`, came \`${action}\`.`);
    }
  },
};

function readPlace(text: string): Place {
  const [name, region, ...more] = text.split('/');
  const provider = allProviders().find((facts) => facts.name === name)?.name;
  if (provider !== undefined && region !== undefined && region !== '' && more.length === 0) {
    return { provider, region };
  }
  throw new UsageError(`--region: expected a provider and a region like tencent/ap-guangzhou, came ${text}.`);
}
