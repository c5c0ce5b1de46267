import type { HeaderField } from '../../signalling.ts';
import type { TransactionLayer } from '../transaction/layer.ts';
import type { Connection } from '../transport/connection.ts';
import type { Hop } from '../transport/dialer.ts';
import type { DialogPath } from './path.ts';

export interface GoodbyeOptions {
  readonly path: DialogPath;
  /** Fields of the BYE besides those that every request has. */
  readonly headers: readonly HeaderField[];
  readonly layer: TransactionLayer;
  readonly connection: Connection;
  readonly reopen: (hop: Hop) => Promise<Connection | undefined>;
}

/**
 * Sends BYE over the dialogue's connection; when that is gone, over a new one to the next hop if it may be dialled.
 * Settles when the peer has answered, or never will.
 */
export async function sayGoodbye(options: GoodbyeOptions): Promise<void> {
  const { path, layer } = options;
  const branch = layer.newBranch();
  const bytes = path.request('BYE', branch, { headers: options.headers });
  const connection = options.connection.open ? options.connection : await newConnection(options);
  if (connection === undefined) return;
  await new Promise<void>(resolve => layer.request(connection, branch, bytes, () => resolve()));
}

async function newConnection({ path, reopen }: GoodbyeOptions): Promise<Connection | undefined> {
  const hop = path.nextHop();
  return hop === undefined ? undefined : await reopen(hop);
}
