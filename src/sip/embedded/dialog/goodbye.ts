import type { HeaderField } from '../../signalling.ts';
import type { TransactionLayer } from '../transaction/layer.ts';
import type { Connection } from '../transport/connection.ts';
import type { DialogPath } from './path.ts';

export interface GoodbyeOptions {
  readonly path: DialogPath;
  /** Fields of the BYE besides those that every request has. */
  readonly headers: readonly HeaderField[];
  readonly layer: TransactionLayer;
  readonly connection: Connection;
  /** Another connection to the peer; undefined when there is none to be had. */
  readonly reach: () => Promise<Connection | undefined>;
}

/**
 * Sends BYE over the dialogue's connection; when that is gone, over another one. Settles when the peer has answered, or
 * never will.
 */
export async function sayGoodbye({ path, headers, layer, ...options }: GoodbyeOptions): Promise<void> {
  const connection = options.connection.open ? options.connection : await options.reach();
  if (connection === undefined) return;
  const branch = layer.newBranch();
  const bytes = path.request('BYE', branch, { headers });
  await new Promise<void>(resolve => layer.request(connection, branch, bytes, () => resolve()));
}
