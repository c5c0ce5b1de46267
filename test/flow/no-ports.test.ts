import { describe, expect, it } from 'vitest';
import { firstPort, withBridge } from '../support/flow.ts';
import { witness } from '../support/witness.ts';

describe('a call for which no ports are left', () => {
  it('is refused with 503 and the reason, and the calls that have them go on', () =>
    withBridge({ env: { RTP_PORTS: `${firstPort}-${firstPort + 3}` } }, async bridge => {
      const others = [await witness(bridge), await witness(bridge)];
      const call = await bridge.call();
      expect(await call.answered).toMatchObject({ status: 503 });
      expect(await bridge.ended()).toMatchObject({ reason: 'no-ports', result: 'us' });
      for (const other of others) await other.unharmed();
    }));
});
