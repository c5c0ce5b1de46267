import type { Config } from './config/config.ts';
import type { Clock } from './core/clock.ts';
import type { ConnectionSource } from './twilio/live-connection.ts';
import { LiveConnection } from './twilio/live-connection.ts';

/** The connection to Twilio as it is configured at each moment. */
export function composeConnection(now: () => Config, clock: Clock): LiveConnection {
  return new LiveConnection({ source: () => sourceOf(now()), clock });
}

function sourceOf({ twilio: { accountSid, senders, baseUrl }, secrets }: Config): ConnectionSource {
  const credentials = secrets.twilio;
  const account =
    accountSid === undefined || credentials === undefined ? undefined : { accountSid, credentials };
  return {
    ...(account === undefined ? {} : { account }),
    ...(baseUrl === undefined ? {} : { baseUrl }),
    senders,
  };
}
