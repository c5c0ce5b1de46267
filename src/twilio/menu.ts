import twilio from 'twilio';

/** What becomes of a caller who has keyed something. */
export type MenuAction =
  | { readonly kind: 'hangup' }
  | {
      readonly kind: 'dial';
      readonly to:
        | { readonly kind: 'phone' /** E.164. */; readonly number: string }
        | { readonly kind: 'sip'; readonly uri: string };
    }
  /** Without an id it is the agent of the number that was called. */
  | {
      readonly kind: 'agent';
      readonly agentId?: string;
      readonly variables: Readonly<Record<string, string>>;
    };

export interface MenuChoice {
  /** 0-9, * and #. */
  readonly digits: string;
  /** Said before it is done. */
  readonly say?: string;
  readonly action: MenuAction;
}

/** What a caller hears and may key, before there is an agent: an entry of `menus`. */
export interface Menu {
  /** Last part of its URL. */
  readonly name: string;
  readonly say: string;
  /** Twilio's name of a voice, and a language; Twilio's own choice without. */
  readonly voice?: string;
  readonly language?: string;
  readonly timeoutSeconds: number;
  /** How often it is said. */
  readonly tries: number;
  /** Said to who has keyed nothing that there is, before the end. */
  readonly goodbye?: string;
  readonly choices: readonly MenuChoice[];
}

/** Where a menu is in one call. */
export interface MenuState {
  /** What was keyed; empty: nothing. */
  readonly digits: string;
  /** How often it was said before. */
  readonly said: number;
}

export interface MenuUrls {
  /** Asked once something was keyed, or was not, after the menu was said so many times. */
  readonly again: (said: number) => string;
  /** Asked to connect the agent of a choice. */
  readonly agent: (choice: MenuChoice) => string;
  /** Asked when whoever was dialled is over, or was not reached. */
  readonly dialled: string;
}

type Response = InstanceType<typeof twilio.twiml.VoiceResponse>;
type Words = Parameters<Response['say']>[0];

/** What Twilio is to do next. */
export function menuTwiml(menu: Menu, { digits, said }: MenuState, urls: MenuUrls): string {
  const response = new twilio.twiml.VoiceResponse();
  const words: Words = {
    ...(menu.voice === undefined ? {} : { voice: menu.voice as NonNullable<Words['voice']> }),
    ...(menu.language === undefined ? {} : { language: menu.language as NonNullable<Words['language']> }),
  };
  const choice = menu.choices.find(each => each.digits === digits);
  if (choice !== undefined) {
    if (choice.say !== undefined) response.say(words, choice.say);
    perform(response, choice, urls);
  } else if (said >= menu.tries) {
    if (menu.goodbye !== undefined) response.say(words, menu.goodbye);
    response.hangup();
  } else {
    const again = urls.again(said + 1);
    const gather = response.gather({
      input: ['dtmf'],
      action: again,
      method: 'POST',
      timeout: menu.timeoutSeconds,
      numDigits: Math.max(...menu.choices.map(each => each.digits.length)),
      finishOnKey: menu.choices.some(each => each.digits.includes('#')) ? '' : '#',
    });
    gather.say(words, menu.say);
    // Who keys nothing gets past the Gather.
    response.redirect({ method: 'POST' }, again);
  }
  return response.toString();
}

function perform(response: Response, choice: MenuChoice, urls: MenuUrls): void {
  const { action } = choice;
  switch (action.kind) {
    case 'hangup':
      response.hangup();
      break;
    case 'dial': {
      const verb = response.dial({ action: urls.dialled, method: 'POST' });
      if (action.to.kind === 'sip') verb.sip(action.to.uri);
      else verb.number(action.to.number);
      break;
    }
    case 'agent':
      response.redirect({ method: 'POST' }, urls.agent(choice));
  }
}
