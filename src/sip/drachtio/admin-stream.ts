import type { Server, Socket } from 'node:net';

const hash = 35;
const zero = 48;
const nine = 57;
/** Longest message of the server, bytes: a SIP message and what is said of it. */
const mostBytes = 1_048_576;

/**
 * Watches a stream of `length#message`. Once a length is none, nothing behind it can be trusted; the package would print
 * all that it holds by then, numbers and SDP included.
 */
export class AdminStream {
  /** Bytes of the message that are still to come; the digits of its length when there are none. */
  #left = 0;
  #length = 0;
  #digits = 0;

  /** False when the stream is broken. */
  take(chunk: Buffer): boolean {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, chunk.length - at);
        this.#left -= taken;
        at += taken;
      } else if (!this.#takeDigit(chunk[at++] ?? 0)) return false;
    }
    return true;
  }

  #takeDigit(code: number): boolean {
    if (code === hash) {
      const good = this.#digits > 0 && this.#length > 0;
      this.#left = this.#length;
      this.#length = 0;
      this.#digits = 0;
      return good;
    }
    this.#digits++;
    this.#length = this.#length * 10 + code - zero;
    return code >= zero && code <= nine && this.#length <= mostBytes;
  }
}

/**
 * Lets the package speak over a connection that is ours, as if a server had made it. What breaks the stream, and what the
 * package throws at a message, ends the connection and not the process.
 */
export function speakOver(socket: Socket, inner: Server, onFault: (error: unknown) => void): void {
  socket.setNoDelay(true);
  inner.emit('connection', socket);
  const listeners = socket.listeners('data') as ((chunk: Buffer) => void)[];
  socket.removeAllListeners('data');
  const stream = new AdminStream();
  socket.on('data', (chunk: Buffer) => {
    try {
      if (!stream.take(chunk)) throw new Error('its messages cannot be told apart');
      for (const listener of listeners) listener.call(socket, chunk);
    } catch (error) {
      socket.destroy();
      onFault(error);
    }
  });
}
