/** The place of a conversation while none is open: what to do first. */

import { plainName } from '../core/rich_text.js';
import { text } from '../text/texts.js';
import { make, setText } from './dom.js';

/** @typedef {{addPerson: () => unknown, createGroup: () => unknown}} FirstActions */

/** For a user without conversations. @param {FirstActions} actions */
export function makeFirstSteps(actions) {
  const button = (/** @type {string} */ label, /** @type {() => unknown} */ act, style = '') =>
    make('button', { type: 'button', class: style, onclick: act }, label);
  return make(
    'div',
    { class: 'first-steps' },
    make('p', { class: 'hint' }, text('noConversations')),
    button(text('addPerson'), actions.addPerson, 'primary'),
    button(text('newGroup'), actions.createGroup),
  );
}

/** @param {import('../io/client.js').Client} client @param {FirstActions} actions */
export function makeEmptyRoom(client, actions) {
  const steps = makeFirstSteps(actions);
  const name = make('p', { class: 'hint' });
  const choose = make('p', { class: 'hint' }, text('openConversation'));
  const keys = make('p', { class: 'hint' }, text('keysHint'));
  const element = make('div', { class: 'empty' }, steps, name, choose, keys);
  const update = () => {
    const isNew = client.account.conversations.list.length === 0;
    steps.hidden = name.hidden = !isNew;
    choose.hidden = keys.hidden = isNew;
    setText(name, text('tellName', { name: plainName(client.account.name) }));
  };
  return { element, update };
}
