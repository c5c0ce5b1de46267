import { isPassing, type TwilioFailure } from '../../twilio/failure.ts';
import type { SendOutcome } from './gate.ts';

/** Whether a request that failed may have sent something. */
export function doneBy(failure: TwilioFailure): SendOutcome['done'] {
  const { code, status, errorCode } = failure;
  if (errorCode === 21610) return 'opted-out';
  if (isPassing(failure) || failure.unprocessed || code === 'twilio-bad-request') return 'unprocessed';
  if (code !== 'twilio-refused' || (status ?? 500) >= 500) return 'unknown';
  return status === 401 || status === 403 ? 'unprocessed' : 'refused';
}
