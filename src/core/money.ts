/** `0.0079` as millionths; undefined where it is no amount. */
export function microsOf(amount: string): number | undefined {
  const match = /^(\d{1,7})(?:\.(\d{1,6}))?$/.exec(amount);
  if (match === null) return undefined;
  return Number(match[1]) * 1_000_000 + Number((match[2] ?? '').padEnd(6, '0'));
}

/** Millionths as people write them: `0.0079`. */
export function amountOf(micros: number): string {
  const whole = Math.floor(micros / 1_000_000);
  const part = String(micros % 1_000_000)
    .padStart(6, '0')
    .replace(/0{1,4}$/, '');
  return `${whole}.${part}`;
}
