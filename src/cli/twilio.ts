import { type Command, exitCodes } from './command.ts';
import { configurationOptions } from './configuration.ts';
import { testTwilio } from './twilio-test.ts';

export const command: Command = {
  usage: 'test [--config FILE]',
  positionals: true,
  options: configurationOptions,
  help: () => `test says which parts of Twilio will work with the credentials and senders that the daemon has, each in one sentence that names the
setting to change: the credentials themselves, one-time codes, texts and calls, WhatsApp, the messaging service, lookups, the
overview of the account, and the signatures of webhooks. Nothing is sent, and what is asked is free of charge. A connection that
was made over the API is read from the store, beside a daemon that runs.

Options:
  -c, --config FILE   configuration file (default: none, or TRUNKBRIDGE_CONFIG)
  -h, --help          this text

Examples:
  trunkbridge twilio test
  trunkbridge twilio test --config trunkbridge.yaml
  TWILIO_PHONE_NUMBER=auto trunkbridge twilio test

Exit codes: 0 all that is set works, 1 something that is set will fail, 2 wrong use or configuration, or no credentials.`,
  async run(args, io, [action, ...rest]) {
    if (action === 'test' && rest.length === 0) return testTwilio(args, io);
    io.err('trunkbridge twilio: say test.\nMore: trunkbridge twilio --help');
    return exitCodes.wrong;
  },
};
