/** The switcher (Ctrl+K): type a part of a name, and go to the conversation. */

import { groupKey, userKey } from '../core/keys.js';
import { plainName } from '../core/rich_text.js';
import { text } from '../text/texts.js';
import { openDialog } from './dialog.js';
import { fill, make, setAttribute } from './dom.js';

/** @typedef {import('../core/types.js').Key} Key */
/** @typedef {import('./chat_view.js').ChatView} ChatView */

const SHOWN = 10;

/** @param {ChatView} view */
export function openSwitcher(view) {
  if (document.querySelector('dialog')) return;
  const properties = { type: 'search', autocomplete: 'off', placeholder: text('goToPlaceholder') };
  const input = make('input', {
    ...properties,
    role: 'combobox',
    'aria-label': text('goTo'),
    'aria-expanded': 'true',
    'aria-controls': 'switcher-list',
  });
  const list = make('ul', { id: 'switcher-list', class: 'switcher', role: 'listbox' });
  const { dialog } = openDialog(text('goTo'), input, list);
  const places = placesOf(view);
  /** @type {{key: Key, name: string}[]} */
  let shown = [];
  let chosen = 0;

  const go = (/** @type {Key} */ key) => {
    dialog.close();
    view.open(key);
  };
  const draw = () => {
    const wanted = input.value.trim().toLocaleLowerCase();
    shown = places.filter(({ name }) => name.toLocaleLowerCase().includes(wanted)).slice(0, SHOWN);
    chosen = Math.min(chosen, Math.max(0, shown.length - 1));
    const option = (
      /** @type {{key: Key, name: string}} */ { key, name },
      /** @type {number} */ index,
    ) => {
      const state = { role: 'option', 'aria-selected': String(index === chosen) };
      return make(
        'li',
        { ...state, id: `option-${key}`, onclick: () => go(key) },
        make('bdi', {}, name),
      );
    };
    fill(list, ...shown.map(option));
    setAttribute(
      input,
      'aria-activedescendant',
      shown[chosen] ? `option-${shown[chosen].key}` : null,
    );
  };
  input.addEventListener('input', () => {
    chosen = 0;
    draw();
  });
  input.addEventListener('keydown', (event) => {
    if (event.isComposing) return;
    if (event.key === 'ArrowDown') chosen = Math.min(chosen + 1, shown.length - 1);
    else if (event.key === 'ArrowUp') chosen = Math.max(chosen - 1, 0);
    else if (event.key === 'Enter' && shown[chosen]) go(shown[chosen].key);
    else return;
    event.preventDefault();
    draw();
  });
  draw();
  input.focus();
}

/**
 * All conversations, friends and groups; those with the newest messages first.
 * @param {ChatView} view
 */
function placesOf(view) {
  const { account } = view.client;
  /** @type {Map<Key, string>} */
  const places = new Map();
  const add = (/** @type {Key} */ key) => places.set(key, plainName(account.titleOf(key)));
  for (const one of account.conversations.list) add(one.key);
  for (const friend of account.roster.friends.keys()) add(userKey(friend));
  for (const group of account.roster.groups.keys()) add(groupKey(group));
  return [...places].map(([key, name]) => ({ key, name }));
}
