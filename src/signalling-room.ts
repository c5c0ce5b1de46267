import type { Access } from './access.ts';
import type { OverloadGuard } from './admission.ts';
import type { Config, SipBackend } from './config/config.ts';
import type { Clock } from './core/clock.ts';
import type { Ending } from './core/ending.ts';
import type { EventSink } from './core/events.ts';
import type { Logger } from './core/logger.ts';
import { limitsOf } from './sip/drachtio/limits.ts';
import type { DrachtioSignalling } from './sip/drachtio/signalling.ts';
import { type EmbeddedOptions, EmbeddedSignalling } from './sip/embedded/stack.ts';
import type { Tap } from './sip/embedded/transport/connection.ts';
import type { NextHop, OnInvite, Source } from './sip/signalling.ts';
import { networkSet } from './trunks/match.ts';

export interface SignallingParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: EventSink;
  readonly access: Access;
  readonly overload: Pick<OverloadGuard, 'screen'>;
  readonly contactFor: (source: Source) => { host: string; port: number };
  /** Where a trunk is by the configuration; empty when that does not say. */
  readonly wayTo: (trunk: string) => Promise<readonly NextHop[]>;
  readonly onInvite: OnInvite;
  readonly tap: Tap;
}

/** Most of a Call-ID that the log shows of an INVITE that made no call: whoever sends it chooses how long it is. */
const callIdShown = 128;

/** What speaks SIP: our own stack, or a drachtio-server. */
export async function composeSignalling(
  config: Config,
  parts: SignallingParts,
): Promise<EmbeddedSignalling | DrachtioSignalling> {
  const { backend } = config.sip;
  return backend.kind === 'embedded'
    ? composeEmbedded(config, parts)
    : await composeDrachtio(config, backend, parts);
}

async function composeDrachtio(
  { secrets, sip }: Config,
  backend: Extract<SipBackend, { kind: 'drachtio' }>,
  parts: SignallingParts,
): Promise<DrachtioSignalling> {
  // Who does not use it need not load it.
  const { DrachtioSignalling: Backend } = await import('./sip/drachtio/signalling.ts');
  const secret = secrets.drachtio ?? '';
  const networks = backend.mode === 'outbound' ? networkSet(backend.allow) : undefined;
  return new Backend({
    connection:
      backend.mode === 'inbound'
        ? { mode: 'inbound', host: backend.host, port: backend.port, secret }
        : {
            mode: 'outbound',
            listen: backend.listen,
            secret,
            admits: address => networks?.has(address) === true,
          },
    ...whoever(parts),
    limits: limitsOf(sip.limits),
  });
}

function composeEmbedded(config: Config, parts: SignallingParts): EmbeddedSignalling {
  const { sip } = config;
  const { access, contactFor, wayTo } = parts;
  const { gate } = access;
  return new EmbeddedSignalling({
    listen: sip.listen.map(where => ({ clientCertificate: sip.tlsClientCertificate, ...where })),
    ...(access.material === undefined ? {} : { tls: access.material }),
    admit: address => gate.objection(address) === undefined,
    // Only where the configuration says that a peer is: what a stranger writes into a header is never dialled.
    mayDial: address => gate.routing.lists(address),
    wayTo,
    isStranger: address => gate.isStranger(address),
    speaksFor: (trunk, source) => gate.speaksFor(trunk, source),
    contactFor,
    ...whoever(parts),
    limits: sip.limits,
    messageLimits: sip.limits,
  });
}

/** Who may call, and who hears of calls and refusals, whoever speaks SIP. */
function whoever({ clock, log, events, access, overload, onInvite, tap }: SignallingParts) {
  const { gate, refused } = access;
  return {
    objection: address => gate.objection(address),
    gate: request => overload.screen(request, gate.admit(request)),
    clock,
    log,
    onInvite: dialogue => {
      gate.holdsCall(dialogue.facts.source.address, dialogue.ended);
      onInvite(dialogue);
    },
    tap,
    onRefused: refused,
    onInviteRefused: (status: number, end: Ending, source: string, callId?: string) => {
      const named = callId === undefined ? {} : { sipCallId: callId.slice(0, callIdShown) };
      events.emit({ type: 'invite-refused', status, end, source, ...named });
    },
  } satisfies Partial<EmbeddedOptions>;
}
