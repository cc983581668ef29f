/** All scenarios. */
import type { Scenario } from './scenario.ts';
import { approval } from './scenarios/approval.ts';
import { chatCancel } from './scenarios/chat-cancel.ts';
import { fiveRules } from './scenarios/five-rules.ts';
import { followUp } from './scenarios/follow-up.ts';
import { locks } from './scenarios/locks.ts';
import { alibabaRun, queueMessage, tencentRun } from './scenarios/one-alert.ts';
import { scheduleOnce, standing } from './scenarios/schedules.ts';
import { canaryFails, wavesPass } from './scenarios/waves.ts';

export const SCENARIOS: readonly Scenario[] = [
  tencentRun,
  alibabaRun,
  chatCancel,
  wavesPass,
  canaryFails,
  locks,
  scheduleOnce,
  standing,
  queueMessage,
  fiveRules,
  approval,
  followUp,
];
