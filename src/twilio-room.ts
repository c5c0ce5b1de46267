import type { Config } from './config/config.ts';
import type { ImportedNumbers } from './config/imported.ts';
import type { Clock, Timer } from './core/clock.ts';
import type { Logger } from './core/logger.ts';
import { PhoneNumbers } from './phone-numbers.ts';
import type { Documents } from './store/document.ts';
import { AccountShelf } from './twilio/account-shelf.ts';
import type { TwilioConnection } from './twilio/connection.ts';
import { ConnectionDesk, sourceOf } from './twilio/connection-desk.ts';
import { connectionLimits } from './twilio/limits.ts';
import { type ConnectionSource, LiveConnection } from './twilio/live-connection.ts';
import { TwilioPreviews } from './twilio/previews.ts';

export interface TwilioParts {
  /** What is configured now. */
  readonly now: () => Config;
  readonly documents: Documents;
  /** Imported numbers hold from now on. */
  readonly useNumbers: (imported: ImportedNumbers) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The connection to Twilio, and who looks after it. */
export interface TwilioRoom {
  readonly connection: TwilioConnection;
  readonly desk: ConnectionDesk;
  readonly numbers: PhoneNumbers;
  readonly previews: TwilioPreviews;
  /** From now on what other nodes were told is looked up, and with `checks` new credentials are tried at Twilio. */
  start(checks: boolean): void;
  close(): void;
}

/** The connection as the store and the configuration have it at each moment. Nobody waits for Twilio here. */
export async function composeTwilio({
  now,
  documents,
  useNumbers,
  clock,
  log,
}: TwilioParts): Promise<TwilioRoom> {
  const shelf = new AccountShelf(documents, log);
  const configured = () => configuredSource(now());
  const connection = new LiveConnection({
    source: () => sourceOf(configured(), shelf.given),
    clock,
    onStatus: status => {
      if (status.state === 'error')
        log.error('twilio connection failed', { cause: status.cause, errorCode: status.code });
      else log.info('twilio connection works');
    },
  });
  const desk = new ConnectionDesk({
    ...{ connection, shelf, configured, clock, log },
    country: () => now().tools.defaultCountry,
    history: size => documents.history('twilio-connection', size),
  });
  const numbers = new PhoneNumbers({ documents, connection, configured: now, use: useNumbers, log });
  await shelf.refresh();
  await numbers.refresh();
  const view = desk.view();
  if (view.source === 'api' && view.configured) {
    log.warn('the twilio connection made over the API is used, not the configured one', {
      back: 'POST /v1/twilio/connection/reset',
    });
  }
  let timer: Timer | undefined;
  let closed = false;
  let asksTwilio = false;
  const attend = async () => {
    await Promise.all([shelf.refresh(), numbers.refresh()]);
    if (asksTwilio) await connection.attend();
    if (!closed) timer = clock.timer(connectionLimits.refreshMs, () => void attend());
  };
  return {
    connection,
    desk,
    numbers,
    previews: new TwilioPreviews(connection),
    start(checks) {
      asksTwilio = checks;
      void attend();
    },
    close() {
      closed = true;
      timer?.cancel();
      connection.close();
    },
  };
}

/** What the configuration says alone. */
export function configuredSource({
  twilio: { accountSid, senders, baseUrl },
  secrets,
}: Config): ConnectionSource {
  const credentials = secrets.twilio;
  const account =
    accountSid === undefined || credentials === undefined ? undefined : { accountSid, credentials };
  return {
    ...(account === undefined ? {} : { account }),
    ...(baseUrl === undefined ? {} : { baseUrl }),
    senders,
  };
}
