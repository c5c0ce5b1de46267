/** Instructions that the check carries out or knows to need nothing. Any other one makes it fail rather than guess. */
const known = new Set([
  'FROM',
  'WORKDIR',
  'COPY',
  'RUN',
  'ENV',
  'USER',
  'EXPOSE',
  'VOLUME',
  'HEALTHCHECK',
  'STOPSIGNAL',
  'ENTRYPOINT',
  'CMD',
]);

/**
 * Reads a Dockerfile into its stages: `{ base, name, steps: [{ instruction, text, line }] }`. Continued lines are one
 * step; comments and empty lines are left out.
 */
export function parseDockerfile(text) {
  const stages = [];
  for (const { text: whole, line } of logicalLines(text)) {
    const [, word, rest] = /^(\w+)\s+(.*)$/s.exec(whole) ?? [];
    const instruction = word?.toUpperCase();
    if (!known.has(instruction))
      throw new Error(`Dockerfile:${line}: this check does not know ${word ?? whole}`);
    if (instruction === 'FROM') stages.push(stageOf(rest, line));
    else if (stages.length === 0) throw new Error(`Dockerfile:${line}: ${instruction} before FROM`);
    else stages.at(-1).steps.push({ instruction, text: rest.trim(), line });
  }
  if (stages.length === 0) throw new Error('Dockerfile: there is no FROM');
  return stages;
}

function logicalLines(text) {
  const lines = [];
  let open;
  for (const [index, raw] of text.split('\n').entries()) {
    if (/^\s*#/.test(raw) || (raw.trim() === '' && open === undefined)) continue;
    const continued = /\\\s*$/.test(raw);
    const part = raw.replace(/\\\s*$/, '').trim();
    if (open === undefined) open = { text: part, line: index + 1 };
    else open.text += ` ${part}`;
    if (continued) continue;
    lines.push(open);
    open = undefined;
  }
  if (open !== undefined) lines.push(open);
  return lines;
}

function stageOf(text, line) {
  const [, base, name] = /^(\S+)(?:\s+AS\s+(\S+))?$/i.exec(text.trim()) ?? [];
  if (base === undefined) throw new Error(`Dockerfile:${line}: FROM ${text} cannot be read`);
  return { base, name, steps: [] };
}

/** The last step of an instruction in a stage: the one that counts. */
export const lastStep = (stage, instruction) =>
  stage.steps.filter(step => step.instruction === instruction).at(-1);

/** The words of a step in exec form. Throws for the shell form: a shell would be PID 1 and swallow the signals. */
export function execForm(step) {
  const text = step.text.slice(step.text.indexOf('['));
  try {
    const words = JSON.parse(text);
    if (Array.isArray(words) && words.length > 0 && words.every(word => typeof word === 'string'))
      return words;
  } catch {
    // Not JSON: said below.
  }
  throw new Error(
    `Dockerfile:${step.line}: ${step.instruction} must be in exec form, ["program", "argument"]`,
  );
}

/**
 * Whether a path (relative, with /) is kept out of the build by a .dockerignore. As Docker has it: the last pattern
 * that matches the path or a folder it lies in decides; `!` lets in.
 */
export function ignores(dockerignore) {
  const patterns = dockerignore
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '' && !line.startsWith('#'))
    .map(line => {
      const keep = line.startsWith('!');
      return { keep, shape: shapeOf(line.replace(/^!/, '').replace(/^\/|\/$/g, '')) };
    });
  return path => {
    const parts = path.split('/');
    const paths = parts.map((_part, i) => parts.slice(0, i + 1).join('/'));
    let ignored = false;
    for (const { keep, shape } of patterns) if (paths.some(each => shape.test(each))) ignored = !keep;
    return ignored;
  };
}

function shapeOf(pattern) {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*\*\/?/g, '\u0000')
    .replace(/\*/g, '[^/]*')
    .replace(/\?/g, '[^/]')
    .replaceAll('\u0000', '.*');
  return new RegExp(`^${source}$`);
}
