import type { HeaderField, Source } from '../../signalling.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import { tagOf } from '../transaction/key.ts';
import { DialogPath, type HostPort, uacOrigin } from './path.ts';

/** Most answers of different phones to one INVITE that are dealt with. */
const mostForks = 16;

/** One answer to an INVITE, with the ACK that every copy of it gets again. */
export interface Fork {
  readonly path: DialogPath;
  readonly ack: Buffer;
}

export interface ForkContext {
  readonly source: Source;
  readonly us: HostPort;
  readonly newBranch: () => string;
  readonly sequence: number;
  readonly credentials: readonly HeaderField[];
}

/**
 * The 2xx responses to an INVITE that was forked on its way (RFC 3261 section 13.2.2.4): each To tag is a dialogue of its
 * own, and each has to be acknowledged, wanted or not.
 */
export class Forks {
  readonly #known = new Map<string, Fork>();

  /** What this 2xx is: the first of all, the first of one more dialogue, or a copy; undefined beyond every bound. */
  take(
    invite: SipRequest,
    response: SipResponse,
    context: ForkContext,
  ): { readonly kind: 'first' | 'extra' | 'copy'; readonly fork: Fork } | undefined {
    const tag = tagOf(response.headers.get('To')) ?? '';
    const known = this.#known.get(tag);
    if (known !== undefined) return { kind: 'copy', fork: known };
    if (this.#known.size >= mostForks) return undefined;
    const path = new DialogPath(uacOrigin(invite, response, context.source, context.us));
    const { sequence, credentials } = context;
    const ack = path.request('ACK', context.newBranch(), { sequence, headers: credentials });
    const fork = { path, ack };
    const kind = this.#known.size === 0 ? 'first' : 'extra';
    this.#known.set(tag, fork);
    return { kind, fork };
  }
}
