/** What an agent is told to do where no tool helps any more. */
export const person = 'Offer to hand over to a person.';
