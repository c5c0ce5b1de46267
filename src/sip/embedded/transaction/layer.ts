import type { Clock } from '../../../core/clock.ts';
import { parseCSeq } from '../message/cseq.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import { parseViaList } from '../message/via.ts';
import type { Connection } from '../transport/connection.ts';
import { ClientTransaction, type RequestOutcome } from './client.ts';
import { InviteClientTransaction, type InviteListener } from './inviting.ts';
import { branchCookie, mergeKey, serverKey } from './key.ts';
import { ServerTransaction } from './server.ts';
import { newToken } from './token.ts';

/** Every transaction that is alive, found by what messages carry. */
export class TransactionLayer {
  readonly #clock: Clock;
  readonly #servers = new Map<string, ServerTransaction>();
  /** INVITEs by what they keep over several paths: to notice a merged request. */
  readonly #invites = new Map<string, ServerTransaction>();
  /** Requests of ours by branch and method: a CANCEL has the branch of its INVITE. */
  readonly #clients = new Map<string, ClientTransaction>();
  readonly #inviting = new Map<string, InviteClientTransaction>();
  /** Begins every branch of this stack: our own requests are known when they come back. */
  readonly #ownBranch = `${branchCookie}${newToken()}`;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#servers.size + this.#clients.size + this.#inviting.size;
  }

  newBranch(): string {
    return `${this.#ownBranch}.${newToken()}`;
  }

  /** True when the request has been through this stack before (RFC 3261 section 16.3, item 4). */
  looped(request: SipRequest): boolean {
    return request.headers.all('Via').some(value => value.includes(this.#ownBranch));
  }

  /** The transaction that a retransmission or an ACK to a non-2xx belongs to. */
  match(request: SipRequest, connection: Connection): ServerTransaction | undefined {
    return this.#servers.get(serverKey(request, connection.source.address));
  }

  /** The INVITE that a CANCEL means (RFC 3261 section 9.2). */
  matchInvite(cancel: SipRequest, connection: Connection): ServerTransaction | undefined {
    return this.#servers.get(serverKey(cancel, connection.source.address, 'INVITE'));
  }

  /** True when another transaction has the same request, which came here over another path. */
  merged(transaction: ServerTransaction): boolean {
    const first = this.#invites.get(mergeKey(transaction.request));
    return first !== undefined && first !== transaction;
  }

  createServer(request: SipRequest, connection: Connection): ServerTransaction {
    const merge = request.method === 'INVITE' ? mergeKey(request) : undefined;
    const transaction = new ServerTransaction({
      key: serverKey(request, connection.source.address),
      request,
      connection,
      clock: this.#clock,
      onEnd: ended => {
        this.#servers.delete(ended.key);
        if (merge !== undefined && this.#invites.get(merge) === ended) this.#invites.delete(merge);
      },
    });
    this.#servers.set(transaction.key, transaction);
    if (merge !== undefined && !this.#invites.has(merge)) this.#invites.set(merge, transaction);
    return transaction;
  }

  /** Sends a request whose top Via has `branch`; `done` is called exactly once. */
  request(
    connection: Connection,
    branch: string,
    bytes: Buffer,
    done: (outcome: RequestOutcome) => void,
  ): void {
    const key = `${branch} ${bytes.toString('latin1', 0, bytes.indexOf(' '))}`;
    const transaction = new ClientTransaction({
      bytes,
      connection,
      clock: this.#clock,
      done,
      onEnd: () => void this.#clients.delete(key),
    });
    this.#clients.set(key, transaction);
    transaction.start();
  }

  /** Sends an INVITE whose top Via has `branch`. */
  invite(
    connection: Connection,
    branch: string,
    request: SipRequest,
    listener: InviteListener,
  ): InviteClientTransaction {
    const transaction = new InviteClientTransaction({
      request,
      connection,
      clock: this.#clock,
      listener,
      onEnd: () => void this.#inviting.delete(branch),
    });
    this.#inviting.set(branch, transaction);
    transaction.start();
    return transaction;
  }

  /** Hands a response that came over `over` to its request; false when there is none (RFC 3261 section 17.1.3, 18.1.2). */
  response(response: SipResponse, over: Connection): boolean {
    const vias = parseViaList(response.headers.all('Via'));
    const branch = vias?.length === 1 ? vias[0]?.branch : undefined;
    const method = parseCSeq(response.headers.get('CSeq') ?? '')?.method;
    if (branch === undefined || method === undefined) return false;
    const inviting = method === 'INVITE' ? this.#inviting.get(branch) : undefined;
    const client = method === 'INVITE' ? undefined : this.#clients.get(`${branch} ${method}`);
    inviting?.receive(response, over);
    client?.receive(response);
    return inviting !== undefined || client !== undefined;
  }

  connectionClosed(connection: Connection): void {
    for (const client of [...this.#clients.values()]) {
      if (client.connection === connection) client.connectionLost();
    }
    for (const inviting of [...this.#inviting.values()]) {
      if (inviting.connection === connection) inviting.connectionLost();
    }
    for (const server of [...this.#servers.values()]) {
      if (server.connection === connection) server.connectionLost();
    }
  }

  /** Ends every transaction without another word. */
  abandonAll(): void {
    for (const client of [...this.#clients.values()]) client.connectionLost();
    for (const inviting of [...this.#inviting.values()]) inviting.abandon();
    for (const server of [...this.#servers.values()]) server.abandon();
  }
}
