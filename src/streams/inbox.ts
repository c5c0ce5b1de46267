import { Socket } from 'node:net';

/** As much as Node reads at once. */
const bytes = Buffer.from(new ArrayBuffer(64 * 1024));
/** What a socket has read, as bytes and as words. It is dealt with before the next one reads, so a thread has it once. */
export const inbox = { bytes, words: new Int32Array(bytes.buffer) } as const;

/** What Node does not document of sockets: the handle behind one, and that another can go on with that. */
interface Handled {
  _handle: Handle | null;
}
interface Handle {
  readonly useUserBuffer?: unknown;
}
interface Adopting {
  readonly handle: Handle;
  readonly allowHalfOpen: boolean;
  readonly onread: { readonly buffer: Uint8Array; readonly callback: (bytes: number) => boolean };
}
const Adopted = Socket as unknown as new (options: Adopting) => Socket & Handled;

/** Is told how much lies in the inbox, which it deals with on the spot. */
export interface InboxReader {
  came(bytes: number): void;
}

/**
 * Goes on with a socket, of which nothing waits to be read or written, in such a way that what comes lies in the inbox. Node else
 * gets 64 kB for every read, gives most of it back and makes two objects, which is a third of what it costs to take a short
 * message. See docs/decisions/0017.
 */
export function readIntoInbox(socket: Socket, reader: InboxReader): Socket {
  socket.setTimeout(0);
  const taken = takenOver(socket, reader);
  if (taken !== undefined) return taken;
  socket.on('data', (chunk: Buffer) => bring(chunk, reader));
  return socket;
}

/** Puts into the inbox what was read elsewhere. */
export function bring(chunk: Buffer, reader: InboxReader): void {
  for (let at = 0; at < chunk.length; at += bytes.length) reader.came(chunk.copy(bytes, 0, at));
}

/** Windows fills memory before it says that it does, so it would have to be one for each. */
function takenOver(socket: Socket & Partial<Handled>, reader: InboxReader): Socket | undefined {
  const handle = socket._handle;
  if (process.platform === 'win32' || typeof handle?.useUserBuffer !== 'function') return undefined;
  const callback = (count: number) => {
    reader.came(count);
    return true;
  };
  const taken = new Adopted({ handle, allowHalfOpen: true, onread: { buffer: bytes, callback } });
  socket._handle = null;
  socket.destroy();
  return taken;
}
