import type { Socket } from 'node:net';

/** From now on a socket looks as if it came from a Node whose handles know nothing of memory that is somebody else's. */
export function hideHandle(socket: Socket): void {
  const { _handle: handle } = socket as unknown as { _handle: object };
  Object.assign(handle, { useUserBuffer: undefined });
}
