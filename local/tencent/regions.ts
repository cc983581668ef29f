/** The regions that the local TAT takes for real: a misspelt one must fail here, not on the day it counts. */
import { TatError } from './tat-error.ts';

const REGIONS: ReadonlySet<string> = new Set(
  `ap-bangkok ap-beijing ap-beijing-fsi ap-changsha-ec ap-chengdu ap-chongqing ap-fuzhou-ec ap-guangzhou ap-hangzhou-ec
  ap-hefei-ec ap-hongkong ap-jakarta ap-jinan-ec ap-mumbai ap-nanjing ap-qingyuan ap-seoul ap-shanghai ap-shanghai-adc
  ap-shanghai-fsi ap-shenyang-ec ap-shenzhen ap-shenzhen-fsi ap-shijiazhuang-ec ap-singapore ap-taipei ap-tianjin
  ap-tokyo ap-wuhan-ec ap-xian-ec ap-zhengzhou-ec ap-zhongwei eu-frankfurt eu-moscow me-saudi-arabia na-ashburn
  na-siliconvalley na-toronto sa-saopaulo`.split(/\s+/),
);

/** @throws TatError `MissingParameter`, `UnsupportedRegion` */
export function checkRegion(region: string | undefined): string {
  if (region === undefined || region === '') {
    throw new TatError('MissingParameter', 'The request is missing a required parameter `X-TC-Region`.');
  }
  if (REGIONS.has(region)) return region;
  throw new TatError(
    'UnsupportedRegion',
    `\`X-TC-Region\`: ${region.slice(0, 64)} is no region of TAT; expected one like ap-guangzhou.`,
  );
}
