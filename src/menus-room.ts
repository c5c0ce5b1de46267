import type { ClientData } from './agent/elevenlabs/protocol/client-data.ts';
import type { Config } from './config/config.ts';
import type { CallKey } from './core/ids.ts';
import type { Logger } from './core/logger.ts';
import { twilioPaths } from './core/twilio-paths.ts';
import type { TwilioHandler } from './http/twilio.ts';
import { type MenuUrls, menuTwiml } from './twilio/menu.ts';
import { redirectTo } from './twilio/twiml.ts';

/** Which agent is to speak and what it is to know, where that is not up to the number that was called alone. */
export interface VoiceWish {
  readonly agentId?: string;
  readonly variables?: Readonly<Record<string, string>>;
  /** What the call has been called since it was placed. */
  readonly key?: CallKey;
  /** What its conversation begins with. */
  readonly clientData?: ClientData;
}

/**
 * What a voice URL says of the agent. Only what was given to Twilio can be there: the query is part of what Twilio signs. The
 * choice of a menu is named, and what it means is looked up, so that no variable is in a URL.
 */
export function wishOf({ menus }: Pick<Config, 'menus'>, query: URLSearchParams): VoiceWish {
  const agentId = query.get('agent_id') ?? '';
  if (/^[\w-]{1,128}$/.test(agentId)) return { agentId };
  const menu = menus.find(({ name }) => name === query.get('menu'));
  const action = menu?.choices.find(({ digits }) => digits === query.get('choice'))?.action;
  return action?.kind === 'agent' ? action : {};
}

/** `/twilio/menu/{name}`: what callers hear and may key before there is an agent. */
export function menuHandler(now: () => Config, log: Logger): TwilioHandler {
  return async ({ fields, query, name }) => {
    const { menus, http } = now();
    const base = http.publicUrl ?? '';
    const menu = menus.find(each => each.name === name);
    if (menu === undefined) {
      log.error('a Twilio number asks for a menu that there is not', {
        menu: name.slice(0, 64),
        setting: 'menus',
      });
      // Better the agent of the number than nobody.
      return redirectTo(`${base}${twilioPaths.voice}`);
    }
    const said = /^\d$/.test(query.get('said') ?? '') ? Number(query.get('said')) : 0;
    const urls: MenuUrls = {
      again: times => `${base}${twilioPaths.menu}/${menu.name}?said=${times}`,
      agent: ({ digits }) =>
        `${base}${twilioPaths.voice}?${new URLSearchParams({ menu: menu.name, choice: digits })}`,
      dialled: `${base}${twilioPaths.dialled}`,
    };
    const digits = fields.get('Digits') ?? '';
    log.info('a menu was asked', { menu: menu.name, said, keyed: digits !== '' });
    return menuTwiml(menu, { digits, said }, urls);
  };
}
