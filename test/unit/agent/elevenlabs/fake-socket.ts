import type {
  AgentSocket,
  ConnectAgent,
  SocketEnd,
  SocketListener,
} from '../../../../src/agent/elevenlabs/socket.ts';

/** What a server reads in a masked text frame (RFC 6455 section 5.2). */
export function unmasked(frame: Buffer): Buffer {
  const length = frame[1]! & 0x7f;
  const keyAt = length < 126 ? 2 : length === 126 ? 4 : 10;
  return Buffer.from(frame.subarray(keyAt + 4).map((byte, i) => byte ^ frame[keyAt + (i & 3)]!));
}

/** A socket without a network: keeps what was sent, and lets the test be the agent. */
export class FakeSocket implements AgentSocket {
  readonly sent: string[] = [];
  closedWith: number | undefined;
  bufferedBytes = 0;
  /** Whether frames may be written past the messages; what they carry is kept with what was sent. */
  idle = false;
  written = 0;
  /** Whether frames stay here until they have left; those that do. */
  keeps = false;
  readonly kept: Buffer[] = [];
  /** How much each message adds to what is buffered. */
  growsBy = 0;
  url = '';
  #listener: SocketListener | undefined;

  readonly connect: ConnectAgent = (url, listener) => {
    this.url = url;
    this.#listener = listener;
    return this;
  };

  send(message: string | Buffer): void {
    this.sent.push(message.toString());
    this.bufferedBytes += this.growsBy;
  }

  write(frame: Buffer): boolean {
    this.written++;
    if (this.keeps) this.kept.push(frame);
    else this.send(unmasked(frame));
    return !this.keeps;
  }

  close(code: number): void {
    this.closedWith = code;
  }

  open(): void {
    this.#listener?.opened();
  }

  says(message: object): void {
    this.saysText(JSON.stringify(message));
  }

  saysText(text: string): void {
    this.#listener?.text(Buffer.from(text));
  }

  saysBinary(length: number): void {
    this.#listener?.binary(length);
  }

  ends(end: SocketEnd): void {
    this.#listener?.ended(end);
  }

  closes(code: number, reason = ''): void {
    this.ends({ kind: 'close', code, reason });
  }

  /** The messages that were sent, parsed. */
  get messages(): Record<string, unknown>[] {
    return this.sent.map(text => JSON.parse(text));
  }
}
