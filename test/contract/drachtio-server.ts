import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { freePort } from '../support/ports.ts';

/** Where a drachtio-server takes applications. */
export interface DrachtioAdmin {
  readonly host: string;
  readonly port: number;
  readonly secret: string;
}

interface Pem {
  readonly cert: string;
  readonly key: string;
}

/** Where a real drachtio-server comes from: one that runs already, a program that can be started, or nowhere. */
export type DrachtioOrigin =
  | { readonly kind: 'running'; readonly admin: DrachtioAdmin }
  | { readonly kind: 'program'; readonly path: string }
  | { readonly kind: 'none'; readonly why: string };

/** `DRACHTIO_HOST` (with `DRACHTIO_PORT` and `DRACHTIO_SECRET`) wins over a `drachtio` on PATH. */
export function findDrachtio(environment: NodeJS.ProcessEnv = process.env): DrachtioOrigin {
  const { DRACHTIO_HOST, DRACHTIO_PORT = '9022', DRACHTIO_SECRET = 'cymru', PATH = '' } = environment;
  if (DRACHTIO_HOST !== undefined && DRACHTIO_HOST !== '') {
    return {
      kind: 'running',
      admin: { host: DRACHTIO_HOST, port: Number(DRACHTIO_PORT), secret: DRACHTIO_SECRET },
    };
  }
  const path = PATH.split(delimiter)
    .filter(folder => folder !== '')
    .map(folder => join(folder, 'drachtio'))
    .find(isProgram);
  if (path !== undefined) return { kind: 'program', path };
  return { kind: 'none', why: 'there is no drachtio on PATH, and DRACHTIO_HOST is not set' };
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Not there, or not to be run: the next folder may have one.
    return false;
  }
}

/** A real drachtio-server, on loopback, for the tests of one file. */
export class DrachtioServer {
  readonly #origin: DrachtioOrigin;
  #folder = '';
  #child: ChildProcess | undefined;
  #admin: DrachtioAdmin = { host: '', port: 0, secret: '' };
  #config = '';
  #port = 0;
  #securePort = 0;

  constructor(origin: DrachtioOrigin) {
    this.#origin = origin;
  }

  get admin(): DrachtioAdmin {
    return this.#admin;
  }

  /** Its port for SIP over TCP, where it is ours. */
  get port(): number {
    return this.#port;
  }

  /** True when it can be killed and started again. */
  get ours(): boolean {
    return this.#origin.kind === 'program';
  }

  /** `routing` is further configuration, for a server that is ours. */
  async start(pem: Pem, routing = ''): Promise<void> {
    if (this.#origin.kind === 'none') throw new Error(this.#origin.why);
    if (this.#origin.kind === 'running') {
      this.#admin = this.#origin.admin;
      await takeTurn();
      return;
    }
    this.#folder = mkdtempSync(join(tmpdir(), 'trunkbridge-drachtio-'));
    writeFileSync(join(this.#folder, 'cert.pem'), pem.cert);
    writeFileSync(join(this.#folder, 'key.pem'), pem.key);
    const [adminPort, tcp, tls] = await Promise.all([freePort(), freePort(), freePort()]);
    this.#admin = { host: '127.0.0.1', port: adminPort, secret: 'a secret of tests' };
    this.#port = tcp;
    this.#securePort = tls;
    this.#config = join(this.#folder, 'drachtio.conf.xml');
    writeFileSync(this.#config, this.#configuration(tcp, tls, routing));
    await this.restart();
  }

  /** Starts the program once more, on the same ports. */
  async restart(): Promise<void> {
    if (this.#origin.kind !== 'program') throw new Error('this drachtio-server is not ours to start');
    this.#child = spawn(this.#origin.path, ['-f', this.#config], { stdio: 'ignore' });
    // It takes applications before it has all of its addresses for SIP.
    for (const port of [this.#port, this.#securePort, this.#admin.port]) await answers(port);
  }

  /** Kills the program, and settles when it is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>(resolve => void child.once('exit', () => resolve()));
    child.kill('SIGKILL');
    await gone;
  }

  async stop(): Promise<void> {
    await this.kill();
    if (this.#folder !== '') rmSync(this.#folder, { recursive: true, force: true });
    if (this.#origin.kind === 'running') rmSync(turn, { recursive: true, force: true });
  }

  #configuration(tcp: number, tls: number, routing: string): string {
    const file = (name: string) => join(this.#folder, name);
    return `<drachtio>
  <admin port="${this.#admin.port}" secret="${this.#admin.secret}">127.0.0.1</admin>
  ${routing}
  <sip>
    <contacts>
      <contact>sip:127.0.0.1:${tcp};transport=tcp</contact>
      <contact>sips:127.0.0.1:${tls};transport=tls</contact>
    </contacts>
    <tls>
      <key-file>${file('key.pem')}</key-file>
      <cert-file>${file('cert.pem')}</cert-file>
      <chain-file>${file('cert.pem')}</chain-file>
    </tls>
  </sip>
  <logging>
    <file><name>${file('log')}</name><archive>${file('old')}</archive><size>10</size><maxSize>20</maxSize></file>
    <sofia-loglevel>1</sofia-loglevel><loglevel>error</loglevel>
  </logging>
</drachtio>
`;
  }
}

/** A server that others use too gives new calls to each of its applications in turn: only one file may be one. */
const turn = join(tmpdir(), 'trunkbridge-drachtio.lock');

async function takeTurn(): Promise<void> {
  for (;;) {
    try {
      mkdirSync(turn);
      return;
    } catch {
      // Another file has its turn.
      await new Promise(resolve => setTimeout(resolve, 100));
    }
  }
}

/** Settles when somebody listens there. */
async function answers(port: number): Promise<void> {
  const there = () =>
    new Promise<boolean>(resolve => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => socket.end(() => resolve(true)));
      socket.once('error', () => resolve(false));
    });
  while (!(await there())) await new Promise(resolve => setTimeout(resolve, 50));
}
