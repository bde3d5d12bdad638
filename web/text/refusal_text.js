/** Refusals of the server in the language of the user. Others stay in the server's words. */

import { text } from './texts.js';

/** The server's words → the text. @type {Record<string, import('./texts.js').TextKey>} */
const TEXTS = {
  'no such user': 'refusedNoUser',
  'no such group': 'refusedNoGroup',
  'no such group, or it needs an invitation or a password': 'refusedCannotJoin',
  'id or password is invalid!': 'refusedLogin',
  'this name is taken': 'refusedTaken',
  'this name looks like an existing one: choose another': 'refusedSimilar',
  'the password is wrong': 'refusedPassword',
  'password: is easy to guess; choose another': 'refusedEasy',
};

/** @param {string} message the server's words */
export function refusalText(message) {
  const key = TEXTS[message];
  return key ? text(key) : text('failed', { error: message });
}
