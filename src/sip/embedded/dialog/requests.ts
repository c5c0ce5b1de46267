import type { ServerTransaction } from '../transaction/server.ts';
import { acceptLine, allowed, allowLine, capabilityLines, known } from './capabilities.ts';
import { contentType } from './content.ts';
import { referRefusal } from './refer-policy.ts';
import type { Standing } from './reoffers.ts';
import { requireObjection } from './screening.ts';
import type { DialogSession } from './session.ts';

/** What the requests of a peer inside its dialogue may reach. */
export interface RequestTargets {
  readonly session: DialogSession;
  readonly standing: Standing;
  /** Takes a PRACK and answers it; false when it acknowledges nothing (RFC 3262 section 3). */
  readonly prack: (transaction: ServerTransaction) => boolean;
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
      return targets.session.handle(transaction, targets.standing);
    case 'INFO': {
      const { headers, body } = request;
      const taken = body.length === 0 || targets.onInfo(contentType(headers), body.toString('utf8'));
      transaction.respond(taken ? { status: 200 } : { status: 415, headers: [acceptLine] });
      return;
    }
    case 'OPTIONS':
      transaction.respond({ status: 200, headers: capabilityLines });
      return;
    case 'PRACK':
      if (!targets.prack(transaction)) transaction.respond({ status: 481 });
      return;
    case 'NOTIFY':
      if (!targets.session.notify(transaction)) transaction.respond({ status: 481 });
      return;
    case 'REFER':
      transaction.respond(referRefusal(request, 603));
      return;
    default: {
      const isKnown = [...known, ...allowed].some(name => name === method);
      transaction.respond({ status: isKnown ? 405 : 501, headers: [allowLine] });
    }
  }
}
