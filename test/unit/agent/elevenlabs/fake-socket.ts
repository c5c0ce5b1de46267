import type {
  AgentSocket,
  ConnectAgent,
  SocketEnd,
  SocketListener,
} from '../../../../src/agent/elevenlabs/socket.ts';

/** A socket without a network: keeps what was sent, and lets the test be the agent. */
export class FakeSocket implements AgentSocket {
  readonly sent: string[] = [];
  closedWith: number | undefined;
  bufferedBytes = 0;
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
