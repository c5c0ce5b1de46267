import { randomInt } from 'node:crypto';
import type { CallOptions } from './call/controller.ts';
import { type Ending, ending, sentence } from './core/ending.ts';
import { fail, ok, type Result } from './core/errors.ts';
import type { CallKey, LegId } from './core/ids.ts';
import { legEnding } from './core/leg-ending.ts';
import { type LocalEncryption, offerTrouble } from './sdp/encryption.ts';
import type { LocalSide } from './sdp/negotiation.ts';
import { localAddressTowards } from './sip/local-address.ts';
import type { Resolver } from './sip/resolver.ts';
import type { NextHop, Source } from './sip/signalling.ts';
import type { OutboundTrunk } from './trunks/outbound.ts';
import type { Leg, Legs } from './worker/legs.ts';

export interface OutboundLineParts {
  readonly resolver: Pick<Resolver, 'resolve'>;
  readonly legs: Legs;
  readonly keysOverCleartext: boolean;
  readonly advertised: (source: Source) => string;
  readonly options: () => Pick<CallOptions, 'tones'>;
}

interface Routed {
  readonly route: readonly NextHop[];
  readonly address: string;
}

/** The way to a trunk, and a leg that was opened for it. */
export interface OutboundLine {
  readonly route: readonly NextHop[];
  readonly leg: Leg;
  readonly local: LocalSide;
}

/** Ways to trunks, each with a leg for one call over it: what a call of ours needs before anybody is asked. */
export class OutboundLines {
  readonly #parts: OutboundLineParts;

  constructor(parts: OutboundLineParts) {
    this.#parts = parts;
  }

  /** The way to a trunk as its name resolves now; rejects with why there is none. */
  async hops(trunk: OutboundTrunk): Promise<readonly NextHop[]> {
    const routed = await this.#route(trunk);
    if (routed.ok) return routed.value.route;
    throw new Error(routed.failure.detail ?? sentence(routed.failure));
  }

  /** Looks the trunk up and opens a leg. */
  async open(trunk: OutboundTrunk, call: CallKey, near?: LegId): Promise<Result<OutboundLine, Ending>> {
    const routed = await this.#route(trunk);
    if (!routed.ok) return routed;
    const { route, address } = routed.value;
    const encryption = this.#encryption(trunk, route);
    const trouble = offerTrouble(encryption);
    if (trouble !== undefined) return fail(ending('encryption-required', trouble.message));
    const secureOnly = trunk.mediaEncryption === 'required';
    const family = address.includes(':') ? 6 : 4;
    const opened = await this.#parts.legs.open({
      call,
      wire: 'rtp',
      family,
      secureOnly,
      tones: trunk.tones ?? this.#parts.options().tones ?? 'auto',
      ...(near === undefined ? {} : { near }),
    });
    if (!opened.ok) return fail(legEnding(opened.failure));
    const leg = opened.value;
    const local: LocalSide = {
      address,
      family,
      sessionId: randomInt(1, 2 ** 47),
      version: 1,
      codecs: trunk.codecs,
      encryption,
    };
    return ok({ route, leg, local });
  }

  /** Hops of the trunk of one address family, and our own address as their peers are told it. */
  async #route(trunk: OutboundTrunk): Promise<Result<Routed, Ending>> {
    const found = await this.#parts.resolver.resolve(trunk);
    if (!found.ok) return fail(ending('trunk-unreachable', found.failure.message));
    const secure = trunk.mediaEncryption === 'required' && !this.#parts.keysOverCleartext;
    const usable = found.value.filter(({ transport }) => !secure || transport === 'tls');
    const [first] = usable;
    if (first === undefined)
      return fail(ending('trunk-unreachable', 'media encryption is required, and it has no TLS'));
    const family = (hop: NextHop) => hop.address.includes(':');
    const route = usable
      .filter(hop => family(hop) === family(first))
      .map(hop => ({
        ...hop,
        ...(trunk.tlsCa === undefined ? {} : { ca: trunk.tlsCa }),
        ...(trunk.tlsVerify ? {} : { verify: false as const }),
      }));
    const own = await localAddressTowards(first.address);
    if (!own.ok) return fail(ending('trunk-unreachable', own.failure.message));
    const { transport, address, port } = first;
    return ok({
      route,
      address: this.#parts.advertised({ transport, address, port, localAddress: own.value }),
    });
  }

  /** RFC 4568 section 7: what encrypts the sound must not itself travel in the clear. */
  #encryption(trunk: OutboundTrunk, route: readonly NextHop[]): LocalEncryption {
    const covered = route.every(({ transport }) => transport === 'tls');
    return { policy: trunk.mediaEncryption, keysAllowed: covered || this.#parts.keysOverCleartext };
  }
}
