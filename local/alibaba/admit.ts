/** From a signed request to an action that may be performed once: version, region, parameters, ClientToken. */
import type { Admitted } from '../server/cloud-server.ts';
import type { HttpRequest } from '../server/http.ts';
import { ACTIONS } from './actions/registry.ts';
import { apiError, missingParameter } from './api-error.ts';
import { createAuthenticator, type LocalCredentials } from './authenticate.ts';
import type { Cloud } from './cloud.ts';
import { createIdempotence } from './idempotence.ts';
import { checkRegion } from './regions.ts';
import { rpcParameters } from './rpc-parameters.ts';

interface AdmitOptions {
  cloud: Cloud;
  epochMs: () => number;
  credentials: readonly LocalCredentials[];
  tokenLifetimeMs: number;
}

const VERSION = '2014-05-26';

/** @returns what admits a request. It throws ApiError */
export function createAdmission({ cloud, epochMs, credentials, tokenLifetimeMs }: AdmitOptions) {
  const authenticator = createAuthenticator(credentials, epochMs);
  const idempotence = createIdempotence(tokenLifetimeMs, epochMs);

  const hide = (answer: object, regionId: string, ms: number): void => {
    if (ms === 0 || !('InvokeId' in answer)) return;
    const record = cloud.invocations.get(String(answer.InvokeId), regionId);
    record.visibleAt = new Date(epochMs() + ms);
  };

  return (request: HttpRequest, skewMs: number): Admitted => {
    const { action, version } = authenticator.check(request, skewMs);
    if (version !== VERSION) throw apiError('InvalidVersion');
    const parameters = rpcParameters(new Map([...request.query, ...request.form]));
    const regionId = parameters.text('RegionId');
    if (regionId === undefined) throw missingParameter('RegionId');
    checkRegion(regionId);
    const run = ACTIONS.get(action);
    if (run === undefined) throw apiError('InvalidAction.NotFound');
    return {
      action,
      throttleKey: `${regionId}/${action}`,
      perform: ({ begins, lateVisibilityMs }) =>
        idempotence.once(
          parameters.text('ClientToken'),
          () => `${action} ${parameters.fingerprint()}`,
          async () => {
            await begins();
            const answer = run({ parameters, regionId }, cloud);
            hide(answer, regionId, lateVisibilityMs);
            return answer;
          },
        ),
    };
  };
}
