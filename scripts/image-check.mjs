// Tries the Dockerfile without a Docker engine: carries out its COPY and RUN steps in a clean folder, runs what the
// image would run as PID 1 and not as root, waits until its HEALTHCHECK is content, and stops it as Docker does.
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { buildStages } from './image/build.mjs';
import { confinementTrouble, insideOf, startConfined } from './image/confinement.mjs';
import { execForm, lastStep, parseDockerfile } from './image/dockerfile.mjs';

const usage = `Usage: node scripts/image-check.mjs [--able]

Carries out the Dockerfile in a clean folder, runs the result as a non-root PID 1, waits for health, stops it with SIGTERM.
Needs unshare and setpriv (util-linux) and a kernel that lets this user make namespaces.

  --able   only say whether this machine can do that
  --help   this text

Exit codes: 0 all is well, 1 something is not, 3 this machine cannot do it.`;

const root = fileURLToPath(new URL('..', import.meta.url));
/** How long the daemon may take to be healthy, and to end after SIGTERM without a call, ms. */
const healthyMs = 20_000;
const endMs = 10_000;

const print = line => console.log(line);

function expect(condition, what) {
  if (!condition) throw new Error(what);
  print(`ok    ${what}`);
}

function demand(stage, instruction) {
  const step = lastStep(stage, instruction);
  if (step === undefined) throw new Error(`Dockerfile: the last stage has no ${instruction}`);
  return step;
}

async function freePort() {
  const server = createServer();
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise(resolve => server.close(resolve));
  return port;
}

function checkContent(image) {
  const read = name => JSON.parse(readFileSync(join(root, name), 'utf8'));
  const inImage = path => existsSync(join(image.root, image.workdir, path));
  const { dependencies } = read('package.json');
  const locked = Object.entries(read('package-lock.json').packages);
  const tools = locked.filter(([path, { dev }]) => dev === true && inImage(path)).map(([path]) => path);
  expect(tools.length === 0, `no development tool is in the image${tools.length ? `: ${tools}` : ''}`);
  const missing = Object.keys(dependencies).filter(name => !inImage(`node_modules/${name}`));
  expect(missing.length === 0, `every dependency is in the image${missing.length ? `, not ${missing}` : ''}`);
  const sources = ['src', 'test', '.git', '.env'].filter(inImage);
  expect(
    sources.length === 0,
    `nothing but the build is in the image${sources.length ? `: ${sources}` : ''}`,
  );
}

async function runOnce(words, options) {
  const child = spawn(words[0], words.slice(1), { ...options, stdio: 'ignore', timeout: 10_000 });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', code => resolve(code));
  });
}

async function runImage(image, stage) {
  const cwd = join(image.root, image.workdir);
  const http = `127.0.0.1:${await freePort()}`;
  const env = {
    PATH: process.env.PATH,
    ...image.env,
    ELEVENLABS_API_KEY: 'image-check',
    ELEVENLABS_AGENT_ID: 'agent_image_check',
    ELEVENLABS_BASE_URL: 'http://127.0.0.1:9',
    SIP_LISTEN: 'tcp://127.0.0.1:0',
    HTTP_LISTEN: http,
    MEDIA_WORKERS: '1',
  };
  const health = execForm(demand(stage, 'HEALTHCHECK'));
  expect((await runOnce(health, { cwd, env })) !== 0, 'the health check fails while nothing runs');

  const words = [...execForm(demand(stage, 'ENTRYPOINT')), ...execForm(demand(stage, 'CMD'))];
  print(`RUN AS PID 1: ${words.join(' ')}`);
  const child = startConfined(words, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const collect = chunk => {
    output = (output + chunk).slice(-64 * 1024);
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  const ended = new Promise(resolve => child.once('close', (code, signal) => resolve(code ?? signal)));
  try {
    await useImage({ child, ended, health, options: { cwd, env } });
  } catch (error) {
    throw new Error(`${error.message}\nThe daemon wrote:\n${output}`, { cause: error });
  } finally {
    child.kill('SIGKILL');
  }
  const errors = output.split('\n').filter(line => /"level":"?(error|fatal|50|60)/.test(line));
  expect(errors.length === 0, `the daemon logged no error${errors.length ? `: ${errors[0]}` : ''}`);
}

async function useImage({ child, ended, health, options }) {
  let over = false;
  void ended.then(() => {
    over = true;
  });
  const begun = performance.now();
  let healthy = false;
  while (!healthy && !over && performance.now() - begun < healthyMs) {
    healthy = (await runOnce(health, options)) === 0;
    if (!healthy) await pause(100);
  }
  expect(healthy, 'the health check is content');
  const inside = insideOf(child);
  expect(inside?.pidInside === 1, 'the daemon is PID 1');
  expect(inside.uid !== 0, 'the daemon is not root');
  process.kill(inside.pid, 'SIGTERM');
  const result = await Promise.race([ended, pause(endMs, 'nothing: it still runs', { ref: false })]);
  expect(result === 0, `SIGTERM drains it and it ends with 0 (got ${result})`);
}

async function main() {
  if (process.argv.includes('--help')) return print(usage);
  const trouble = confinementTrouble();
  if (trouble !== undefined) {
    print(`This machine cannot confine a program: ${trouble}`);
    process.exitCode = 3;
    return;
  }
  if (process.argv.includes('--able')) return print('This machine can do it.');
  const stages = parseDockerfile(readFileSync(join(root, 'Dockerfile'), 'utf8'));
  const final = stages.at(-1);
  const into = mkdtempSync(join(tmpdir(), 'trunkbridge-image-'));
  try {
    chmodSync(into, 0o755);
    print(`Building in ${into} with Node ${process.version}; the image has ${final.base}`);
    const dockerignore = readFileSync(join(root, '.dockerignore'), 'utf8');
    const user = lastStep(final, 'USER')?.text ?? 'root';
    expect(user !== 'root' && user !== '0', `USER is ${user}`);
    for (const name of ['ENTRYPOINT', 'CMD', 'HEALTHCHECK'])
      expect(execForm(demand(final, name)).length > 0, `${name} is in exec form`);
    const image = await buildStages({ stages, context: root, dockerignore, into, print });
    checkContent(image);
    await runImage(image, final);
    print('The image works.');
  } finally {
    rmSync(into, { recursive: true, force: true });
  }
}

try {
  await main();
} catch (error) {
  console.error(`FAILED ${error.message}`);
  process.exitCode = 1;
}
