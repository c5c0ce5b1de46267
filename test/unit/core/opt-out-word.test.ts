import { describe, expect, it } from 'vitest';
import { optOutWord } from '../../../src/core/opt-out-word.ts';

describe('the words of an opt-out', () => {
  it.each(['STOP', 'stop', ' Stop. ', 'STOP ALL', 'Unsubscribe', 'cancel', 'END', 'quit!', 'opt-out'])(
    'takes %j as no more',
    text => expect(optOutWord(text)).toBe('stop'),
  );
  it.each(['START', 'unstop', 'Yes'])('takes %j as welcome again', text =>
    expect(optOutWord(text)).toBe('start'),
  );
  it.each(['', 'please do not stop sending me these', 'stop it', 'starting', '12345'])('leaves %j', text =>
    expect(optOutWord(text)).toBeUndefined(),
  );
});
