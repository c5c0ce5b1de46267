import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { basename, join, posix, relative } from 'node:path';
import { ignores } from './dockerfile.mjs';

/** How long one RUN step may take, ms. */
const stepMs = 180_000;

/**
 * Carries out the COPY and RUN steps of every stage in folders of their own below `into`, each standing for the root
 * of that stage. Returns the last stage as `{ root, workdir, env }`. RUN steps get nothing but their folder: a
 * path that leads out of it makes the check fail.
 */
export async function buildStages({ stages, context, dockerignore, into, print }) {
  const ignored = ignores(dockerignore);
  const built = new Map();
  let last;
  for (const [index, stage] of stages.entries()) {
    const made = { root: join(into, `stage-${index}`), workdir: '/', env: {} };
    mkdirSync(made.root, { recursive: true });
    for (const step of stage.steps) await carryOut(step, made, { context, ignored, built, print });
    built.set(stage.name ?? String(index), made);
    last = made;
  }
  return last;
}

async function carryOut(step, stage, surroundings) {
  const { text } = step;
  switch (step.instruction) {
    case 'WORKDIR':
      stage.workdir = posix.resolve(stage.workdir, text);
      mkdirSync(join(stage.root, stage.workdir), { recursive: true });
      return;
    case 'ENV':
      for (const [, name, value] of text.matchAll(/(\w+)=("[^"]*"|\S+)/g))
        stage.env[name] = value.replace(/^"|"$/g, '');
      return;
    case 'COPY':
      return copy(step, stage, surroundings);
    case 'RUN':
      return run(step, stage, surroundings.print);
  }
}

function copy(step, stage, { context, ignored, built, print }) {
  const words = step.text.split(/\s+/);
  const from = words[0].startsWith('--from=') ? words.shift().slice('--from='.length) : undefined;
  if (words.some(word => word.startsWith('--')))
    throw new Error(`Dockerfile:${step.line}: unknown flag of COPY`);
  const origin = from === undefined ? context : built.get(from)?.root;
  if (origin === undefined) throw new Error(`Dockerfile:${step.line}: there is no stage ${from}`);
  const target = words.pop();
  print(`COPY ${step.text}`);
  for (const source of words) {
    const path = join(origin, source);
    const kept = file => from !== undefined || !ignored(relative(context, file));
    const folder = statSync(path).isDirectory();
    if (!folder && !kept(path)) throw new Error(`Dockerfile:${step.line}: .dockerignore keeps ${source} out`);
    if (folder && from === undefined && !holdsKept(path, kept)) {
      throw new Error(`Dockerfile:${step.line}: .dockerignore keeps all of ${source} out`);
    }
    const into = join(stage.root, posix.resolve(stage.workdir, target));
    // A folder is copied by its content, a file goes into a target that ends in a slash.
    const inside = !folder && (target.endsWith('/') || words.length > 1);
    cpSync(path, inside ? join(into, basename(source)) : into, {
      recursive: true,
      verbatimSymlinks: true,
      filter: file => statSync(file).isDirectory() || kept(file),
    });
  }
}

function holdsKept(folder, kept) {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).some(
    entry => entry.isFile() && kept(join(entry.parentPath, entry.name)),
  );
}

async function run(step, stage, print) {
  if (/(^|[\s=('"])(\/|\.\.|~)/.test(step.text)) {
    throw new Error(`Dockerfile:${step.line}: RUN leads out of its folder, which this check cannot follow`);
  }
  print(`RUN ${step.text}`);
  const child = spawn('/bin/sh', ['-c', step.text], {
    cwd: join(stage.root, stage.workdir),
    env: { ...outside(), ...stage.env },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const limit = setTimeout(() => child.kill('SIGKILL'), stepMs);
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => resolve(status ?? signal));
  });
  clearTimeout(limit);
  if (code !== 0) throw new Error(`Dockerfile:${step.line}: RUN ended with ${code}`);
}

/** What a step may know of this machine: how to reach the registry, and nothing of the npm run that called us. */
function outside() {
  const wanted =
    /^(PATH|HOME|LANG|TMPDIR|(https?|no|all)_proxy|npm_config_(registry|cache|userconfig)|NODE_EXTRA_CA_CERTS)$/i;
  const own = Object.entries(process.env).filter(([name]) => wanted.test(name));
  return { ...Object.fromEntries(own), npm_config_prefer_offline: 'true' };
}
