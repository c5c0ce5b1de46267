import type { VerifyResult, VerifyStatus } from './outcomes.ts';

const approved: VerifyResult = {
  status: 'approved',
  valid: true,
  message: 'The code is right: the number is verified.',
};

const over: Readonly<Record<string, { readonly status: VerifyStatus; readonly message: string }>> = {
  expired: { status: 'expired', message: 'The code has expired. Offer to send a new one.' },
  deleted: { status: 'expired', message: 'The code is no longer open. Offer to send a new one.' },
  canceled: { status: 'canceled', message: 'The verification was canceled. Offer to send a new code.' },
  failed: { status: 'failed', message: 'The verification failed. Offer to send a new code.' },
  max_attempts_reached: {
    status: 'max_attempts_reached',
    message: 'Too many wrong codes. Offer to hand over to a person.',
  },
};

const unclear: VerifyResult = {
  status: 'failed',
  valid: false,
  message: 'The verification is in a state that this bridge does not know. Offer to hand over to a person.',
};

/**
 * The result for a state in which Verify says a verification is, `pending` aside: that needs the number of tries left.
 * Both the word and the flag must say that the code was right.
 */
export function stateResult(status: string, valid: boolean): VerifyResult {
  if (status === 'approved') return valid ? approved : unclear;
  const row = Object.hasOwn(over, status) ? over[status] : undefined;
  return row === undefined ? unclear : { status: row.status, valid: false, message: row.message };
}

export const isApproved = (result: VerifyResult): boolean => result === approved;
