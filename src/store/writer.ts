import type { Kysely } from 'kysely';
import type { Sealer } from '../core/seal.ts';
import { writeNames, writeRow } from './call-statements.ts';
import type { CallImage } from './rows.ts';
import type { Tables } from './schema.ts';
import type { Announce, OutboxMessage } from './store.ts';

export interface WriterParts {
  readonly sealer: Sealer;
  readonly announce: Announce;
}

/**
 * Writes one call and, when that ends it, what is announced of it, all in the transaction that it is given. False: the
 * call had ended before, and nothing was changed.
 */
export async function writeCall(
  tx: Kysely<Tables>,
  image: CallImage,
  now: number,
  parts: WriterParts,
): Promise<boolean> {
  const { key } = image.row;
  if (!(await writeRow(tx, image.row))) return false;
  await writeNames(tx, image.row, image.names);
  if (image.tools.length > 0) {
    await tx
      .insertInto('tool_runs')
      .values([...image.tools])
      .onConflict(conflict => conflict.doNothing())
      .execute();
  }
  if (image.record.state === 'ended') {
    await queue(tx, key, parts.announce(image.record, image.secret), now, parts.sealer);
  }
  return true;
}

/** Puts deliveries into the queue. */
export async function queue(
  tx: Kysely<Tables>,
  call: string,
  messages: readonly OutboxMessage[],
  now: number,
  sealer: Sealer,
): Promise<void> {
  if (messages.length === 0) return;
  const at = Math.round(now);
  await tx
    .insertInto('outbox')
    .values(
      messages.map(({ kind, target, body }) => ({
        call,
        kind,
        target,
        body: body === undefined ? null : sealer.seal(body, `outbox ${call}`),
        state: 'waiting' as const,
        at,
        due_at: at,
        attempt: 0,
        lease: '',
        error: null,
      })),
    )
    .execute();
}
