import { type Command, exitCodes } from './command.ts';
import { configurationOptions } from './configuration.ts';
import { allowSends } from './twilio-allow-sends.ts';
import { testTwilio } from './twilio-test.ts';

export const command: Command = {
  usage: 'test|allow-sends [options]',
  positionals: true,
  options: {
    ...configurationOptions,
    confirm: { type: 'boolean' },
    off: { type: 'boolean' },
    reason: { type: 'string', short: 'r' },
  },
  help: () => `test says which parts of Twilio will work with the credentials and senders that the daemon has, each in one sentence that names the
setting to change: the credentials themselves, one-time codes, texts and calls, WhatsApp, the messaging service, lookups, the
overview of the account, and the signatures of webhooks. Nothing is sent, and what is asked is free of charge. A connection that
was made over the API is read from the store, beside a daemon that runs.

allow-sends lets agents send on their own, which they may not until somebody has said so: who and why is kept. It is written into
the store of the daemon (DATA_DIR or DATABASE_URL), which need not run, and holds from the next send on. Without --confirm and
--off it says how it stands, and who changed it.

Options:
      --confirm       allow-sends: agents may send, within the rules of docs/sending.md
      --off           allow-sends: they may not any more
  -r, --reason TEXT   allow-sends: why; --confirm needs it
  -c, --config FILE   configuration file (default: none, or TRUNKBRIDGE_CONFIG)
  -h, --help          this text

Examples:
  trunkbridge twilio test
  trunkbridge twilio test --config trunkbridge.yaml
  TWILIO_PHONE_NUMBER=auto trunkbridge twilio test
  trunkbridge twilio allow-sends --confirm --reason "reviewed with legal, ticket 4711"
  trunkbridge twilio allow-sends --off

Exit codes: 0 done, or all that is set works; 1 something that is set will fail, or the store cannot be used; 2 wrong use or configuration, or no credentials.`,
  async run(args, io, [action, ...rest]) {
    if (action === 'test' && rest.length === 0) return testTwilio(args, io);
    if (action === 'allow-sends' && rest.length === 0) return allowSends(args, io);
    io.err('trunkbridge twilio: say test or allow-sends.\nMore: trunkbridge twilio --help');
    return exitCodes.wrong;
  },
};
