import { StreamFramer } from '../../../../src/sip/embedded/message/framer.ts';
import type { SipMessage, SipRequest, SipResponse } from '../../../../src/sip/embedded/message/message.ts';
import { parseMessage } from '../../../../src/sip/embedded/message/parser.ts';
import type { Wire, WireListener } from '../../../../src/sip/embedded/transport/wire.ts';
import type { Source } from '../../../../src/sip/signalling.ts';

export const peerSource: Source = {
  transport: 'tcp',
  address: '192.0.2.10',
  port: 40_000,
  localAddress: '192.0.2.1',
};

/** A wire whose peer is the test. */
export class FakeWire implements Wire {
  readonly source: Source;
  backlog = 0;
  readonly written: Buffer[] = [];
  held = false;
  ended = false;
  destroyed = false;
  #listener: WireListener | undefined;
  #read = 0;

  constructor(source: Partial<Source> = {}) {
    this.source = { ...peerSource, ...source };
  }

  listen(listener: WireListener): void {
    this.#listener = listener;
  }

  write(bytes: Buffer): void {
    this.written.push(bytes);
  }

  hold(on: boolean): void {
    this.held = on;
  }

  end(): void {
    this.ended = true;
    this.#listener?.closed();
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.#listener?.closed();
  }

  get gone(): boolean {
    return this.ended || this.destroyed;
  }

  /** The peer sends. */
  receive(text: string | Buffer): void {
    this.#listener?.data(typeof text === 'string' ? Buffer.from(text) : text);
  }

  /** The peer's end goes away. */
  reset(): void {
    this.destroy();
  }

  /** Everything that was written since the last call, as messages. */
  take(): SipMessage[] {
    const framer = new StreamFramer();
    framer.push(Buffer.concat(this.written.slice(this.#read)));
    this.#read = this.written.length;
    const messages: SipMessage[] = [];
    for (let frame = framer.next(); frame !== undefined; frame = framer.next()) {
      if (frame.type !== 'message') continue;
      const parsed = parseMessage(frame.head, frame.body);
      if (!parsed.ok) throw new Error(`we wrote what we cannot read: ${parsed.failure.reason}`);
      messages.push(parsed.value);
    }
    return messages;
  }

  /** Statuses of the responses, and methods of the requests, written since the last call. */
  statuses(): (number | string)[] {
    return this.take().map(message => (message.kind === 'response' ? message.status : message.method));
  }

  response(): SipResponse {
    const message = this.take().at(-1);
    if (message?.kind !== 'response') throw new Error('the last thing written is not a response');
    return message;
  }

  request(): SipRequest {
    const message = this.take().at(-1);
    if (message?.kind !== 'request') throw new Error('the last thing written is not a request');
    return message;
  }
}
