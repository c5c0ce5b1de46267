import type { Config } from '../config/config.ts';
import { systemClock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import { peekDocuments } from '../store/peek.ts';
import { type GivenConnection, givenConnection } from '../twilio/account-shelf.ts';
import { sourceOf } from '../twilio/connection-desk.ts';
import { LiveConnection } from '../twilio/live-connection.ts';
import { checkParts, type PartFinding } from '../twilio/parts-check.ts';
import { configuredSource } from '../twilio-room.ts';
import { type Arguments, type ExitCode, exitCodes, type Io } from './command.ts';
import { readConfiguration } from './configuration.ts';

const words: Readonly<Record<PartFinding['how'], string>> = { works: 'works', off: 'off', fails: 'FAILS' };

/** `trunkbridge twilio test`. */
export async function testTwilio(args: Arguments, io: Io): Promise<ExitCode> {
  const loaded = readConfiguration(args, io);
  if (loaded === undefined) return exitCodes.wrong;
  const { config } = loaded;
  const source = sourceOf(configuredSource(config), await givenOverApi(config, io));
  const connection = new LiveConnection({ source: () => source, clock: systemClock });
  const client = connection.client();
  if (!client.ok) {
    io.err(client.failure.message);
    return exitCodes.wrong;
  }
  const { publicListen, publicUrl } = config.http;
  const reachable = publicListen !== undefined && publicUrl !== undefined;
  try {
    const findings = await checkParts(connection, { senders: source.senders, reachable });
    io.out(table(findings));
    return findings.some(({ how }) => how === 'fails') ? exitCodes.failed : exitCodes.ok;
  } finally {
    connection.close();
  }
}

/** What was said over the API; where the store cannot be read the configuration is tested, and that is said. */
async function givenOverApi({ store, secrets }: Config, io: Io): Promise<GivenConnection | undefined> {
  const { databaseUrl, dataKeys } = secrets;
  try {
    const where = { dataDir: store.dataDir, dataKeys, ...(databaseUrl === undefined ? {} : { databaseUrl }) };
    const [document] = (await peekDocuments(where, 'twilio-connection')) ?? [];
    if (document === undefined) return undefined;
    io.out('Tested is the connection that was made over the API.\n');
    return givenConnection(document.text);
  } catch (error) {
    io.err(`The store cannot be read, so what is configured is tested: ${messageOf(error)}`);
    return undefined;
  }
}

function table(findings: readonly PartFinding[]): string {
  const width = Math.max(...findings.map(({ part }) => part.length));
  return findings
    .map(({ part, how, sentence }) => `${words[how].padEnd(5)}  ${part.padEnd(width)}  ${sentence}`)
    .join('\n');
}
