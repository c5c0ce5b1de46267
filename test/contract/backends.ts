import { systemClock } from '../../src/core/clock.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { DrachtioSignalling } from '../../src/sip/drachtio/signalling.ts';
import { type EmbeddedOptions, EmbeddedSignalling } from '../../src/sip/embedded/stack.ts';
import type { Dialogue, Signalling } from '../../src/sip/signalling.ts';
import { DrachtioServer, findDrachtio } from './drachtio-server.ts';

export interface Setting {
  readonly onInvite: (call: Dialogue) => void;
  readonly refused: string[];
  readonly admit?: (address: string) => boolean;
  readonly limits?: EmbeddedOptions['limits'];
  /** Certificate and key that it shows, PEM; the certificate is its own root. */
  readonly pem: { readonly cert: string; readonly key: string };
}

/** What a backend does of itself, besides what the contract asks of every one. */
export interface Abilities {
  /** Repeats its 2xx until the ACK comes, on TCP too (RFC 3261 section 13.3.1.4). */
  readonly repeatsAnswer: boolean;
  /** Refuses what the caller requires and it does not have (420). */
  readonly checksRequire: boolean;
  /** Provisional responses that survive a caller which withholds its PRACK (RFC 3262). */
  readonly reliableProvisionals: boolean;
  /** 422, and Session-Expires in each of its 2xx (RFC 4028). */
  readonly sessionTimers: boolean;
  /** UPDATE before the call is answered (RFC 3311). */
  readonly earlyUpdate: boolean;
  /** Re-INVITEs of ours that back off when they meet one of the peer's (491). */
  readonly glare: boolean;
  /** Tells of the connection that a caller lost before the answer. */
  readonly noticesLostCaller: boolean;
  /** Takes INFO apart from any other request: refused with 415 where the session does not know its type. */
  readonly infoTypes: boolean;
  /** SDP among the parts of a multipart body. */
  readonly multipart: boolean;
  /** Closes connections: of strangers before a word, over their limits, past their deadlines, after what is no SIP. */
  readonly guardsConnections: boolean;
  /** Opens a connection to a caller that lost its own, to say BYE. */
  readonly reopensConnections: boolean;
  /** Answers each copy of an INVITE with its latest response. */
  readonly answersCopies: boolean;
  /** Retry-After in the 503 of draining. */
  readonly namesRetry: boolean;
  /** Keeps a registration up. */
  readonly registers: boolean;
}

/** What is known of each backend; the drachtio-server's part is described in docs/drachtio.md. */
export const abilities = {
  embedded: {
    repeatsAnswer: true,
    checksRequire: true,
    reliableProvisionals: true,
    sessionTimers: true,
    earlyUpdate: true,
    glare: true,
    noticesLostCaller: true,
    infoTypes: true,
    multipart: true,
    guardsConnections: true,
    reopensConnections: true,
    answersCopies: true,
    namesRetry: true,
    registers: true,
  },
  drachtio: {
    repeatsAnswer: false,
    checksRequire: true,
    // One that is never acknowledged ends the server: none may be sent through it.
    reliableProvisionals: false,
    sessionTimers: true,
    earlyUpdate: false,
    glare: true,
    noticesLostCaller: false,
    infoTypes: true,
    multipart: true,
    // Connections are the server's own.
    guardsConnections: false,
    reopensConnections: false,
    answersCopies: false,
    namesRetry: false,
    // It would lead calls to an address that only the server knows.
    registers: false,
  },
} as const satisfies Record<string, Abilities>;

export interface Backend {
  readonly name: string;
  readonly tls: boolean;
  readonly can: Abilities;
  /** Shows a certificate of its own, and not the one of `Setting`. */
  readonly ownsCertificate: boolean;
  /** Gauges, where the backend has them: all zero after `close`. */
  readonly create: (setting: Setting) => Signalling & { stats?(): object };
  /** Before the first `create` and after the last `close`, where something has to be started for it. */
  readonly start?: (pem: Setting['pem']) => Promise<void>;
  readonly stop?: () => Promise<void>;
}

const drachtio = findDrachtio();

/** The drachtio backend with a real server, where there is one; said aloud where there is none. */
function drachtioBackends(): Backend[] {
  if (drachtio.kind === 'none') {
    process.stderr.write(`skipped: signalling over drachtio: ${drachtio.why}\n`);
    return [];
  }
  const server = new DrachtioServer(drachtio);
  return [
    {
      name: 'drachtio',
      tls: true,
      can: abilities.drachtio,
      ownsCertificate: !server.ours,
      start: pem => server.start(pem),
      stop: () => server.stop(),
      create: ({ onInvite, refused, admit }) =>
        new DrachtioSignalling({
          connection: { mode: 'inbound', ...server.admin },
          objection: address => (admit === undefined || admit(address) ? undefined : 'source-not-allowed'),
          clock: systemClock,
          log: silentLogger,
          onInvite,
          onRefused: cause => void refused.push(cause),
        }),
    },
  ];
}

export const backends: readonly Backend[] = [
  {
    name: 'embedded',
    tls: true,
    can: abilities.embedded,
    ownsCertificate: false,
    create: ({ onInvite, refused, admit, limits, pem }) =>
      new EmbeddedSignalling({
        listen: [
          { transport: 'tcp', address: '127.0.0.1', port: 0 },
          { transport: 'tls', address: '127.0.0.1', port: 0 },
        ],
        tls: { ...pem, ca: pem.cert },
        admit: admit ?? (() => true),
        contactFor: source => ({ host: source.localAddress, port: 5060 }),
        clock: systemClock,
        log: silentLogger,
        onInvite,
        onRefused: cause => void refused.push(cause),
        ...(limits === undefined ? {} : { limits }),
      }),
  },
  ...drachtioBackends(),
];
