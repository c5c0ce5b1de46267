import type { HeaderField } from '../../signalling.ts';
import type { RequestOutcome } from '../transaction/client.ts';
import type { TransactionLayer } from '../transaction/layer.ts';
import type { Connection } from '../transport/connection.ts';
import type { DialogPath } from './path.ts';

export interface GoodbyeOptions {
  readonly path: DialogPath;
  /** Fields of the BYE besides those that every request has. */
  readonly headers: readonly HeaderField[];
  readonly layer: TransactionLayer;
  /** The connection that the dialogue uses by now. */
  readonly connection: () => Connection | undefined;
  /** Another connection to the peer; undefined when there is none to be had. */
  readonly reach: () => Promise<Connection | undefined>;
}

/** How often BYE is sent: once more when its connection broke before the answer, which the peer may not have got. */
const mostTries = 2;

/**
 * Sends BYE over the dialogue's connection; when that is gone, over another one. Settles when the peer has answered, or
 * never will.
 */
export async function sayGoodbye({ path, headers, layer, connection, reach }: GoodbyeOptions): Promise<void> {
  for (let tries = 0; tries < mostTries; tries++) {
    const own = connection();
    const over = own?.open === true ? own : await reach();
    if (over === undefined) return;
    const branch = layer.newBranch();
    const bytes = path.request('BYE', branch, { headers });
    const outcome = await new Promise<RequestOutcome>(done => layer.request(over, branch, bytes, done));
    if (outcome !== 'lost') return;
  }
}
