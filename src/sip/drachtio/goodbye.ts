import type { Timer } from '../../core/clock.ts';
import type { Ending } from '../../core/ending.ts';
import { messageOf } from '../../core/errors.ts';
import { reasonLine } from '../embedded/dialog/reason.ts';
import type { HeaderField } from '../signalling.ts';
import type { Environment } from './environment.ts';
import { contentOf } from './reply.ts';
import type { SrfDialog } from './srf.ts';

/** Sends BYE with the reason; `done` is called once, when the peer has answered or never will. Gives back the wait. */
export function sayGoodbye(
  dialog: SrfDialog,
  end: Ending,
  more: readonly HeaderField[],
  { clock, limits, log }: Pick<Environment, 'clock' | 'limits' | 'log'>,
  done: () => void,
): Timer {
  let open = true;
  const finish = () => {
    if (open) done();
    open = false;
  };
  const limit = clock.timer(limits.goodbyeMs, finish);
  const { headers } = contentOf([reasonLine(end), ...more.map(({ name, value }) => [name, value] as const)]);
  dialog.destroy({ headers }, error => {
    limit.cancel();
    // The peer was faster, or the server has forgotten the call.
    if (error) log.debug('a BYE did not go out', { error: messageOf(error) });
    finish();
  });
  return limit;
}
