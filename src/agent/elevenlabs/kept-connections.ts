import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { type Clock, systemClock } from '../../core/clock.ts';
import { Failure } from '../../core/errors.ts';

/** Limits of the connections that requests to ElevenLabs share. */
export const keptLimits = {
  /** Connections at once; requests beyond them wait their turn. */
  connections: 64,
  /** Largest answer that is read, bytes: a signed URL has a few hundred. */
  answerBytes: 64 * 1024,
} as const;

export interface KeptAnswer {
  readonly status: number;
  readonly text: string;
}

/**
 * GET over connections that are kept: setting up a call waits for one round trip, not for TCP and TLS as well. `fetch` does
 * that too, at three times the processor time. Redirects are not followed, because they would carry the key along.
 */
export class KeptConnections {
  readonly #clock: Clock;
  // The one used last goes first: those that were needed in a burst only grow old, and are closed by the other side.
  readonly #plain: HttpAgent = new HttpAgent(pool);
  readonly #secure: HttpsAgent = new HttpsAgent(pool);

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** Rejects when there is no whole answer within `timeoutMs`, or one that is too long. */
  async get(url: URL, headers: Readonly<Record<string, string>>, timeoutMs: number): Promise<KeptAnswer> {
    const deadline = this.#clock.now() + timeoutMs;
    try {
      return await this.#try(url, headers, timeoutMs);
    } catch (error) {
      if (!(error instanceof Stale)) throw error;
      return await this.#try(url, headers, Math.max(1, deadline - this.#clock.now()));
    }
  }

  #try(url: URL, headers: Readonly<Record<string, string>>, timeoutMs: number): Promise<KeptAnswer> {
    const [request, agent] =
      url.protocol === 'https:' ? [httpsRequest, this.#secure] : [httpRequest, this.#plain];
    return new Promise((resolve, reject) => {
      let answered = false;
      const asked = request(url, { agent, headers });
      const timer = this.#clock.timer(timeoutMs, () =>
        asked.destroy(new Failure('timeout', 'it took too long')),
      );
      asked.on('response', response => {
        answered = true;
        read(response).then(resolve, error => {
          asked.destroy();
          reject(error);
        });
      });
      asked.on('error', error => {
        // The other side had closed a connection that was idle, and the request was never read.
        reject(asked.reusedSocket && !answered && isReset(error) ? new Stale() : error);
      });
      asked.on('close', () => {
        timer.cancel();
        // Without an effect where an error has settled it; an answer that breaks off fails by itself.
        if (!answered) reject(new Failure('closed', 'it closed the connection'));
      });
      asked.end();
    });
  }
}

const pool = { keepAlive: true, maxSockets: keptLimits.connections, scheduling: 'lifo' } as const;

class Stale extends Failure {
  constructor() {
    super('stale', 'the connection was closed by the other side');
  }
}

function isReset(error: Error): boolean {
  return 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
}

/** With listeners: an iterator takes several times as long for one small piece. */
function read(response: IncomingMessage): Promise<KeptAnswer> {
  const pieces: Buffer[] = [];
  let length = 0;
  return new Promise((resolve, reject) => {
    response.on('data', (piece: Buffer) => {
      length += piece.length;
      if (length > keptLimits.answerBytes) reject(new Failure('too-long', 'its answer is too long'));
      else pieces.push(piece);
    });
    response.once('end', () =>
      resolve({ status: response.statusCode ?? 0, text: Buffer.concat(pieces).toString('utf8') }),
    );
    response.on('error', reject);
    response.once('close', () => {
      if (!response.complete) reject(new Failure('closed', 'its answer broke off'));
    });
  });
}
