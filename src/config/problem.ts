/** One thing that is wrong with the configuration. `what` says what and what to do; neither part holds a secret. */
export interface Problem {
  /** A variable, or a key with file and line: `SIP_LISTEN`, `trunkbridge.yaml:7 agent.settle_ms`. */
  readonly where: string;
  readonly what: string;
}

/** All problems for a person: one by one, each on its line. */
export function writeProblems(problems: readonly Problem[]): string {
  const lines = problems.map(({ where, what }) => `${where}: ${what}`);
  if (lines.length === 1) return `The configuration cannot be used: ${lines[0]}`;
  return [
    `The configuration cannot be used, ${lines.length} things are wrong:`,
    ...lines.map(line => `  - ${line}`),
  ].join('\n');
}
