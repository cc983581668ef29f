/** The vendor's own SDK, pointed at a local server: a client that nobody here wrote. */
import ecs, * as models from '@alicloud/ecs20140526';
import * as core from '@alicloud/openapi-core';

export { models };

// Node hands over the CommonJS module, vitest the class in it.
const EcsClient = 'default' in ecs ? ecs.default : ecs;
export type EcsClient = InstanceType<typeof EcsClient>;

export const REGION = 'cn-hangzhou';

export function vendorSdk(
  port: number,
  credentials: { accessKeyId?: string; accessKeySecret?: string; securityToken?: string } = {},
): EcsClient {
  return new EcsClient(
    new core.$OpenApiUtil.Config({
      accessKeyId: 'local',
      accessKeySecret: 'local-secret',
      endpoint: `127.0.0.1:${port}`,
      protocol: 'http',
      regionId: REGION,
      ...credentials,
    }),
  );
}
