/** How the local Cloud Assistant refuses a web page: as the vendor words a request that nobody may send. */
import { randomUUID } from 'node:crypto';
import type { Door } from '../door/page-guard.ts';

export const CLOUD_ASSISTANT_DOOR: Door = {
  hasPages: false,
  // The vendor's older clients post their parameters as a form.
  takesForms: true,
  answer: ({ detail }) => {
    const RequestId = randomUUID().toUpperCase();
    return {
      headers: { 'content-type': 'application/json;charset=utf-8', 'x-acs-request-id': RequestId },
      body: JSON.stringify({ RequestId, Code: 'Forbidden', Message: detail }),
    };
  },
};
