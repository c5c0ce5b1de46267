import { z } from 'zod';
import type { Result } from '../core/errors.ts';
import type { TwilioClient } from './client.ts';
import type { TwilioFailure } from './failure.ts';
import { connectionLimits } from './limits.ts';

const numberShape = z.object({
  phoneNumber: z.string(),
  capabilities: z.object({ sms: z.boolean().optional() }).nullish(),
});

/** The first number of the account that can text; undefined when there is none. */
export function firstThatTexts(client: TwilioClient): Promise<Result<string | undefined, TwilioFailure>> {
  return client.call(async sdk => {
    const { searched } = connectionLimits;
    const numbers = await sdk.incomingPhoneNumbers.list({ limit: searched, pageSize: searched });
    const found = numbers
      .map(number => numberShape.parse(number))
      .find(({ capabilities }) => capabilities?.sms === true);
    return found?.phoneNumber;
  });
}
