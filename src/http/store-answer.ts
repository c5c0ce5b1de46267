import type { FastifyReply } from 'fastify';
import { Failure, messageOf } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { refuse, uncached } from './refusal.ts';

/** What `work` gives; 422 where it is asked to go on behind a cursor that is none, 503 where the store is down. */
export async function whileStoreUp(
  reply: FastifyReply,
  log: Logger,
  work: () => Promise<unknown>,
): Promise<unknown> {
  uncached(reply);
  try {
    return await work();
  } catch (error) {
    if (error instanceof Failure && error.code === 'wrong-cursor')
      return refuse(reply, 422, 'invalid_query', `cursor is not right. ${error.message}`);
    log.error('store cannot be used', { error: messageOf(error) });
    return refuse(reply, 503, 'store_unavailable', 'The database cannot be used at present; calls go on.');
  }
}
