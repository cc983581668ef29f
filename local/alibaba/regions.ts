/**
 * The regions that the local Cloud Assistant takes for real: a misspelt one must fail here, not on the day it counts.
 * From the vendor's lists of regions (public, finance and government clouds, and regions of partners).
 */
import { apiError } from './api-error.ts';

const REGIONS: ReadonlySet<string> = new Set(
  `ap-northeast-1 ap-northeast-2 ap-south-1 ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-5 ap-southeast-6
  ap-southeast-7 cn-beijing cn-beijing-finance-1 cn-chengdu cn-fuzhou cn-guangzhou cn-hangzhou cn-hangzhou-finance
  cn-heyuan cn-heyuan-acdr-1 cn-hongkong cn-huhehaote cn-nanjing cn-north-2-gov-1 cn-qingdao cn-shanghai
  cn-shanghai-finance-1 cn-shenzhen cn-shenzhen-finance-1 cn-wuhan-lr cn-wulanchabu cn-zhangjiakou cn-zhengzhou-jva
  eu-central-1 eu-west-1 me-central-1 me-east-1 na-south-1 us-east-1 us-southeast-1 us-west-1`.split(/\s+/),
);

/** @throws ApiError `InvalidRegionId.NotFound` */
export function checkRegion(regionId: string): void {
  if (!REGIONS.has(regionId)) throw apiError('InvalidRegionId.NotFound');
}
