import { Failure, fail, ok, type Result } from '../../../core/errors.ts';
import type { NextHop } from '../../signalling.ts';
import type { Connection } from './connection.ts';

/** A connection to a hop; `fresh` when it was opened for whoever asked. */
export interface Found {
  readonly connection: Connection;
  readonly fresh: boolean;
}

/** The connections that we opened, by their hops: those are used again (RFC 5923). */
export class ConnectionPool {
  readonly #dial: (hop: NextHop) => Promise<Result<Connection>>;
  readonly #connections = new Map<string, Connection>();
  /** Those that are just being opened: whoever wants one meanwhile waits for it, however many calls there are. */
  readonly #dials = new Map<string, Promise<Result<Connection>>>();

  constructor(dial: (hop: NextHop) => Promise<Result<Connection>>) {
    this.#dial = dial;
  }

  /** The connection to a hop, or a new one; else where there is none to be had, and why. */
  async open(hop: NextHop): Promise<Result<Found>> {
    const key = keyOf(hop);
    const known = this.#connections.get(key);
    // One with a peer that may be gone keeps the calls that it has, and gets no other.
    if (known?.open === true && !known.silent) return ok({ connection: known, fresh: false });
    const dialled = await (this.#dials.get(key) ?? this.#begin(key, hop));
    if (!dialled.ok) return dialled;
    const connection = dialled.value;
    return connection.open
      ? ok({ connection, fresh: true })
      : fail(new Failure('connect-failed', connection.fault ?? 'the connection broke'));
  }

  connectionClosed(connection: Connection): void {
    for (const [key, known] of this.#connections) {
      if (known === connection) this.#connections.delete(key);
    }
  }

  #begin(key: string, hop: NextHop): Promise<Result<Connection>> {
    const dial = this.#dial(hop).then(
      dialled => {
        this.#dials.delete(key);
        if (dialled.ok) this.#connections.set(key, dialled.value);
        return dialled;
      },
      (error: unknown) => {
        this.#dials.delete(key);
        throw error;
      },
    );
    this.#dials.set(key, dial);
    return dial;
  }
}

/**
 * Over TLS a connection serves again only for the name that its certificate was checked against, by the same roots
 * (RFC 5923 section 4).
 */
function keyOf({ transport, address, port, serverName, ca, verify }: NextHop): string {
  return JSON.stringify([transport, address, port, serverName, ca, verify]);
}

/** Where a hop is, whatever its certificate is to be good for. */
export function placeOf({ transport, address, port }: NextHop): string {
  return `${transport} ${address} ${port}`;
}
