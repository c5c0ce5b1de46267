/**
 * The key that an INFO says was pressed: `application/dtmf-relay` names it as `Signal=5`, `application/dtmf` is the key
 * alone. Empty when the body names none; undefined for every other type.
 */
export function infoDigit(contentType: string, body: string): string | undefined {
  const type = contentType.split(';', 1)[0]?.trim().toLowerCase();
  if (type !== 'application/dtmf-relay' && type !== 'application/dtmf') return undefined;
  const line =
    type === 'application/dtmf' ? body : body.split('\n').find(text => text.trim().startsWith('Signal'));
  const key =
    line
      ?.slice(line.indexOf('=') + 1)
      .trim()
      .toUpperCase() ?? '';
  const digit = key === '10' ? '*' : key === '11' ? '#' : key;
  return digit.length === 1 && '0123456789*#ABCD'.includes(digit) ? digit : '';
}
