import { messageOf } from './errors.ts';

/** Why an address cannot be listened on, in words for the operator. */
export function whyNotListening(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') return 'another program listens there';
  if (code === 'EADDRNOTAVAIL') return 'this machine does not have that address';
  if (code === 'EACCES') return 'this user may not listen there';
  return messageOf(error);
}
