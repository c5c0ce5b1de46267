import type { ZodError } from 'zod';

/**
 * What is wrong with the parameters, as sentences that name them: "Parameter To is missing." Values are never quoted:
 * they may be codes or numbers. Words that a schema gave for a refinement follow the name as they are.
 */
export function complaint(error: ZodError, parameters: unknown): string {
  const sentences = error.issues.map(issue => {
    const path = issue.path.filter((part): part is string => typeof part === 'string');
    if (path.length === 0 || !path.every(name => /^\w{1,64}$/.test(name))) {
      return 'The parameters must be a JSON object.';
    }
    return `Parameter ${path.join('.')} ${problem(issue, path.reduce(within, parameters))}.`;
  });
  return [...new Set(sentences)].join(' ');
}

function within(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : value;
}

type Issue = ZodError['issues'][number];

/** What zod expects, as an agent may be told it. */
const kinds: Readonly<Record<string, string>> = {
  string: 'text in quotes',
  int: 'a whole number',
  record: 'a JSON object',
  object: 'a JSON object',
};

function problem(issue: Issue, value: unknown): string {
  if (issue.code === 'custom') return issue.message;
  if (value === undefined || value === null) return 'is missing';
  if (typeof value === 'string' && value.trim() === '') return 'is missing';
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${kinds[issue.expected] ?? `of type ${issue.expected}`}`;
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return `is too small or too short: at least ${issue.minimum}`;
    case 'too_big':
      return `is too large or too long: at most ${issue.maximum}`;
    default:
      return 'is malformed';
  }
}
