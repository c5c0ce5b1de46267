import type { FastifyReply } from 'fastify';
import { messageOf } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { refuse, uncached } from './refusal.ts';

/** What `work` gives; 503 where the store is down. */
export async function whileStoreUp(
  reply: FastifyReply,
  log: Logger,
  work: () => Promise<unknown>,
): Promise<unknown> {
  uncached(reply);
  try {
    return await work();
  } catch (error) {
    log.error('store cannot be used', { error: messageOf(error) });
    return refuse(reply, 503, 'store_unavailable', 'The database cannot be used at present; calls go on.');
  }
}
