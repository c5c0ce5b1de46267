import { userInfo } from 'node:os';
import { systemClock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import { switchesBeside } from '../store/beside.ts';
import type { Switches } from '../store/store.ts';
import { type Arguments, type ExitCode, exitCodes, type Io } from './command.ts';
import { readConfiguration } from './configuration.ts';

const name = 'allow_autonomous_sends';
const shownChanges = 5;

/** `trunkbridge twilio allow-sends`: with `--confirm` on, with `--off` off, without either it says how it stands. */
export async function allowSends(args: Arguments, io: Io): Promise<ExitCode> {
  const { confirm, off, reason } = args;
  if (confirm === true && off === true) return wrong(io, 'say --confirm or --off, not both');
  const wish = confirm === true ? true : off === true ? false : undefined;
  const why = typeof reason === 'string' ? reason.trim() : '';
  if (wish === true && (why.length < 3 || why.length > 500)) {
    return wrong(io, '--confirm needs a --reason of at least three letters: it is kept with your name');
  }
  const loaded = readConfiguration(args, io);
  if (loaded === undefined) return exitCodes.wrong;
  const { store, secrets } = loaded.config;
  const { databaseUrl } = secrets;
  try {
    const beside = await switchesBeside({
      dataDir: store.dataDir,
      clock: systemClock,
      ...(databaseUrl === undefined ? {} : { databaseUrl }),
    });
    try {
      if (wish === undefined) return await tell(beside.switches, io);
      const who = `command line (${userInfo().username})`;
      await beside.switches.set(name, wish, { who, why: why === '' ? 'switched off by hand' : why });
      io.out(
        wish
          ? allowed
          : 'Agents may not send on their own any more. It holds from the next send on, on all nodes.',
      );
      return exitCodes.ok;
    } finally {
      await beside.close();
    }
  } catch (error) {
    io.err(`trunkbridge twilio allow-sends: ${messageOf(error)}`);
    return exitCodes.failed;
  }
}

const allowed = `Agents may now send on their own, within the rules of sending (docs/sending.md). It holds from the next send on, on all
nodes. Take it back with: trunkbridge twilio allow-sends --off`;

async function tell(switches: Switches, io: Io): Promise<ExitCode> {
  const on = (await switches.read())[name] === true;
  const changes = (await switches.history(200)).filter(change => change.name === name).slice(0, shownChanges);
  io.out(
    on ? 'Agents may send on their own.' : 'Agents may not send on their own: every send asks for a person.',
  );
  for (const { at, value, who, why } of changes) {
    io.out(`${new Date(at).toISOString()}  ${value === true ? 'on ' : 'off'}  ${who}: ${why}`);
  }
  if (!on) io.out('To allow it: trunkbridge twilio allow-sends --confirm --reason "…"');
  return exitCodes.ok;
}

function wrong(io: Io, what: string): ExitCode {
  io.err(`trunkbridge twilio allow-sends: ${what}.\nMore: trunkbridge twilio --help`);
  return exitCodes.wrong;
}
