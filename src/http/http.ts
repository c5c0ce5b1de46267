import type { FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import type { KeyFault } from '../core/events.ts';
import type { Logger } from '../core/logger.ts';
import type { CallArchive, Switches } from '../store/store.ts';
import { allowSendsRoutes } from './allow-sends.ts';
import { audioRoute, type FindAudio } from './audio.ts';
import { authorize } from './authorize.ts';
import { conversationRoutes } from './conversations.ts';
import { type Health, healthRoutes } from './health.ts';
import { type ApiKey, KeyRing } from './keys.ts';
import { metricsRoute } from './metrics.ts';
import { openapiRoute } from './openapi.ts';
import { type OutboundCallDesks, outboundCallRoutes } from './outbound-call.ts';
import { type NumberDesk, phoneNumberRoutes } from './phone-numbers.ts';
import { type ReloadOutcome, reloadRoutes } from './reload.ts';
import { type SendRoutesOptions, sendRoutes } from './sends.ts';
import { answerFaults, bare, type HttpAddress, type HttpServer, listen } from './server.ts';
import { type FindSipMessages, sipMessagesRoute } from './sip-messages.ts';
import { switchRoutes } from './switches.ts';
import { type TwilioActions, twilioActionRoutes } from './twilio-actions.ts';
import { type TwilioDesk, twilioConnectionRoutes } from './twilio-connection.ts';
import { type TwilioLooks, twilioPreviewRoutes } from './twilio-previews.ts';

export interface HttpOptions {
  readonly listen: HttpAddress;
  readonly apiKeys: readonly ApiKey[];
  /** Asked on each request for `/readyz`. */
  readonly health: () => Health;
  readonly registry: Registry;
  /** Told of each request without a key that lets it in, and of where it came from. */
  readonly keyRefused?: (fault: KeyFault, source: string) => void;
  /** Reads the configuration again; without it nothing can be reloaded. */
  readonly reload?: () => Promise<ReloadOutcome>;
  /** Finds the SIP messages of a call. */
  readonly sipMessages?: FindSipMessages;
  /** Finds the recording of a call. */
  readonly audio?: FindAudio;
  /** Reads of what is kept of calls. */
  readonly archive?: CallArchive;
  readonly switches?: Switches;
  /** What is kept of sends, and where held ones are decided. */
  readonly sends?: SendRoutesOptions;
  readonly twilio?: TwilioDesk;
  /** What the operator's own programs may have done with the Twilio account. */
  readonly twilioActions?: TwilioActions;
  readonly phoneNumbers?: NumberDesk;
  readonly outboundCalls?: OutboundCallDesks;
  readonly twilioLooks?: TwilioLooks;
  /** Version of this program, for `/v1/openapi.json`. */
  readonly version?: string;
  readonly log: Logger;
}

/** Starts the server. Throws a `Failure` with code `http-listen` when the address cannot be listened on. */
export function createHttp(options: HttpOptions): Promise<HttpServer> {
  return listen(composeHttp(options), options.listen, 'HTTP_LISTEN', options.log);
}

/** The server with all its routes, before it listens. */
export function composeHttp(options: Omit<HttpOptions, 'listen'>): FastifyInstance {
  const app = bare();
  authorize(app, new KeyRing(options.apiKeys), options.keyRefused ?? (() => undefined));
  answerFaults(app, options.log);
  openapiRoute(app, options.version ?? 'unknown');
  healthRoutes(app, options.health);
  metricsRoute(app, options.registry);
  if (options.reload !== undefined) reloadRoutes(app, options.reload);
  if (options.sipMessages !== undefined) sipMessagesRoute(app, options.sipMessages);
  if (options.audio !== undefined) audioRoute(app, options.audio);
  if (options.archive !== undefined) conversationRoutes(app, options.archive, options.log);
  if (options.switches !== undefined) {
    switchRoutes(app, options.switches);
    allowSendsRoutes(app, options.switches, options.log);
  }
  if (options.sends !== undefined) sendRoutes(app, options.sends, options.log);
  if (options.twilio !== undefined) twilioConnectionRoutes(app, options.twilio);
  if (options.twilioActions !== undefined) twilioActionRoutes(app, options.twilioActions);
  if (options.phoneNumbers !== undefined) phoneNumberRoutes(app, options.phoneNumbers);
  if (options.outboundCalls !== undefined) outboundCallRoutes(app, options.outboundCalls);
  if (options.twilioLooks !== undefined) twilioPreviewRoutes(app, options.twilioLooks);
  return app;
}
