import type { ServerTransaction } from '../transaction/server.ts';
import { acceptLine, allowed, allowLine, capabilityLines, known } from './capabilities.ts';
import { contentType } from './content.ts';
import type { Reoffers, Standing } from './reoffers.ts';
import { requireObjection } from './screening.ts';

/** What the requests of a peer inside its dialogue may reach. */
export interface RequestTargets {
  readonly reoffers: Reoffers;
  readonly standing: Standing;
  readonly onInfo: (contentType: string, body: string) => boolean;
}

/** Serves a request inside a dialogue that is up: any but ACK, CANCEL and BYE. */
export function serve(transaction: ServerTransaction, targets: RequestTargets): void {
  const { request } = transaction;
  const { method } = request;
  const objection = requireObjection(request);
  if (objection !== undefined) {
    transaction.respond(objection.answer);
    return;
  }
  switch (method) {
    case 'INVITE':
    case 'UPDATE':
      return targets.reoffers.handle(transaction, targets.standing);
    case 'INFO': {
      const { headers, body } = request;
      const taken = body.length === 0 || targets.onInfo(contentType(headers), body.toString('utf8'));
      transaction.respond(taken ? { status: 200 } : { status: 415, headers: [acceptLine] });
      return;
    }
    case 'OPTIONS':
      transaction.respond({ status: 200, headers: capabilityLines });
      return;
    // No reliable provisional response of ours, no subscription: there is nothing these could belong to.
    case 'PRACK':
    case 'NOTIFY':
      transaction.respond({ status: 481 });
      return;
    default: {
      const isKnown = [...known, ...allowed].some(name => name === method);
      transaction.respond({ status: isKnown ? 405 : 501, headers: [allowLine] });
    }
  }
}
