import { type Ending, ending } from '../../../../../src/core/ending.ts';
import { Failure, fail, ok, type Result } from '../../../../../src/core/errors.ts';
import { silentLogger } from '../../../../../src/core/logger.ts';
import type { SipRequest } from '../../../../../src/sip/embedded/message/message.ts';
import { type EmbeddedOptions, EmbeddedSignalling } from '../../../../../src/sip/embedded/stack.ts';
import type { Wire } from '../../../../../src/sip/embedded/transport/wire.ts';
import type {
  Challenge,
  ChallengeAnswer,
  NextHop,
  OutboundDialogue,
  OutboundOptions,
} from '../../../../../src/sip/signalling.ts';
import { ManualClock } from '../../../../support/manual-clock.ts';
import { FakeWire } from '../fake-wire.ts';

export const ourOffer = 'v=0\r\no=- 1 1 IN IP4 203.0.113.5\r\ns=-\r\nt=0 0\r\nm=audio 10000 RTP/AVP 0\r\n';
export const theirAnswer = 'v=0\r\no=- 7 7 IN IP4 192.0.2.10\r\ns=-\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\n';

export const hop = (address: string): NextHop => ({ transport: 'tcp', address, port: 5060 });

/** Lets everything that has already settled take its course. */
export const settled = async () => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};

export interface ReplySpec {
  readonly tag?: string;
  readonly contact?: string;
  readonly headers?: readonly string[];
  readonly body?: string;
}

/** A response to a request of ours, as the one who was called writes it. */
export function reply(ours: SipRequest, status: number, spec: ReplySpec = {}): string {
  const lines = [`SIP/2.0 ${status} Whatever`, `Via: ${ours.headers.get('Via')}`];
  const tag = status === 100 || ours.method === 'CANCEL' ? '' : `;tag=${spec.tag ?? 'callee'}`;
  const to = ours.headers.get('To') ?? '';
  lines.push(`From: ${ours.headers.get('From')}`, `To: ${to.includes(';tag=') ? to : `${to}${tag}`}`);
  lines.push(`Call-ID: ${ours.headers.get('Call-ID')}`, `CSeq: ${ours.headers.get('CSeq')}`);
  if (ours.method === 'INVITE' && status > 100 && status < 300)
    lines.push(`Contact: ${spec.contact ?? '<sip:callee@192.0.2.10:5060;transport=tcp>'}`);
  lines.push(...(spec.headers ?? []));
  const body = spec.body ?? '';
  if (body !== '') lines.push('Content-Type: application/sdp');
  return `${lines.join('\r\n')}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

export interface CallingOptions extends Partial<OutboundOptions> {
  readonly route?: readonly NextHop[];
  /** Addresses that nobody can be connected to. */
  readonly deaf?: readonly string[];
}

/** A stack that calls out over wires whose other end is the test. */
export class Calling {
  readonly clock = new ManualClock();
  readonly wires: FakeWire[] = [];
  readonly dialled: string[] = [];
  /** The same in full. */
  readonly hops: NextHop[] = [];
  readonly challenges: Challenge[] = [];
  readonly stack: EmbeddedSignalling;
  deaf: readonly string[] = [];

  constructor(options: Partial<EmbeddedOptions> = {}) {
    this.stack = new EmbeddedSignalling({
      listen: [],
      admit: () => true,
      contactFor: () => ({ host: '203.0.113.5', port: 5060 }),
      clock: this.clock,
      log: silentLogger,
      onInvite: () => undefined,
      onRefused: () => undefined,
      dial: async where => this.#dial(where),
      ...options,
    });
  }

  /** The wire that was opened last. */
  get wire(): FakeWire {
    const last = this.wires.at(-1);
    if (last === undefined) throw new Error('nothing was dialled');
    return last;
  }

  async call(options: CallingOptions = {}): Promise<OutboundDialogue> {
    const { route = [hop('192.0.2.10')], deaf = [], ...rest } = options;
    this.deaf = deaf;
    const call = this.stack.call(route, ourOffer, {
      to: '+14155550123',
      from: '+14155550199',
      host: 'trunk.example',
      headers: [],
      ringMs: 60_000,
      ...rest,
    });
    await settled();
    return call;
  }

  /** Gives everything back, and what is still held then. */
  async close(): Promise<object> {
    const closing = this.stack.close(0);
    for (let step = 0; step < 5; step += 1) {
      await settled();
      this.clock.advance(100);
    }
    await closing;
    return { ...this.stack.stats(), pending: this.clock.pending };
  }

  #dial(where: NextHop): Result<Wire> {
    this.dialled.push(where.address);
    this.hops.push(where);
    if (this.deaf.includes(where.address)) return fail(new Failure('connect-failed', 'the test says so'));
    const wire = new FakeWire({ address: where.address, port: where.port, transport: where.transport });
    this.wires.push(wire);
    return ok(wire);
  }
}

/** Everything that is zero when nothing is left. */
export const nothingHeld = { connections: 0, transactions: 0, dialogs: 0, timers: 0, pending: 0 };

/** Answers challenges of the realm `trunk` with the nonce that they bring. */
export function authorizer(seen: Challenge[]): (challenge: Challenge) => ChallengeAnswer | undefined {
  return challenge => {
    seen.push(challenge);
    const [value = ''] = challenge.values;
    if (!value.includes('realm="trunk"')) return undefined;
    return { value: `Digest for ${value}`, stale: value.includes('stale=true') };
  };
}

/** How a call ended, or that it has not. */
export async function endOf(call: OutboundDialogue): Promise<Ending | 'still up'> {
  await settled();
  const pending = ending('internal-error', 'pending');
  const first = await Promise.race([call.ended, settled().then(() => pending)]);
  return first === pending ? 'still up' : first;
}
