import type { Result } from '../../../core/errors.ts';
import type { NextHop } from '../../signalling.ts';
import type { SipRequest } from '../message/message.ts';
import { cancelOf } from '../transaction/inviting.ts';
import type { TransactionLayer } from '../transaction/layer.ts';
import type { Connection } from '../transport/connection.ts';
import type { Found } from '../transport/pool.ts';

export interface CancelOptions {
  /** The INVITE as it was sent. */
  readonly request: SipRequest;
  readonly branch: string;
  readonly connection: Connection;
  readonly hop: NextHop | undefined;
  readonly layer: TransactionLayer;
  readonly connect: (hop: NextHop) => Promise<Result<Found>>;
  /** False once it makes no sense any more. */
  readonly wanted: () => boolean;
}

/** Sends CANCEL (RFC 3261 section 9.1), over a new connection when the INVITE's own is gone. */
export async function sendCancel(options: CancelOptions): Promise<void> {
  const { request, branch, connection, hop, layer, connect, wanted } = options;
  const other = connection.open || hop === undefined ? undefined : await connect(hop);
  const another = other?.ok === true ? other.value.connection : undefined;
  const over = connection.open ? connection : another;
  if (over !== undefined && wanted()) layer.request(over, branch, cancelOf(request), () => undefined);
}
