import { describe, expect, it } from 'vitest';
import { drachtioLimits, limitsOf } from '../../../../src/sip/drachtio/limits.ts';
import { stackLimits } from '../../../../src/sip/embedded/limits.ts';

/** Names of both backends that mean the server here, and TLS and connections of our own there. */
const ownMeaning = ['handshakeMs', 'lingerMs'];

describe('limits of the drachtio backend', () => {
  it('are those of sip.limits wherever both backends mean the same', () => {
    const everything = Object.fromEntries(Object.keys(stackLimits).map(name => [name, 7]));
    const both = Object.keys(drachtioLimits).filter(name => name in stackLimits);
    expect(Object.keys(limitsOf(everything)).sort()).toEqual(
      both.filter(name => !ownMeaning.includes(name)).sort(),
    );
  });

  it('are their own where nothing is set', () => {
    expect(limitsOf({ connections: 5 })).toEqual({});
  });
});
