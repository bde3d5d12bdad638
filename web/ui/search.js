/** The search in all conversations, or in one. A hit leads to its place in the conversation. */

import { isGroup, place } from '../core/keys.js';
import { MSG } from '../core/numbers.js';
import { listOf, messageOf } from '../core/parsing.js';
import { markedPieces, plainName } from '../core/rich_text.js';
import { fullTimeOf, shortTimeOf, text } from '../text/texts.js';
import { openDialog } from './dialog.js';
import { fill, make } from './dom.js';
import { attempt } from './feedback.js';
import { nodeOf } from './message_line.js';

/** @typedef {import('../core/types.js').Key} Key */
/** @typedef {import('../core/types.js').Frame} Frame */
/** @typedef {import('./chat_view.js').ChatView} ChatView */

/** Milliseconds without a key until the search begins. */
const WAIT = 250;

/** @param {ChatView} view @param {Key} key empty: all conversations */
export function openSearch(view, key) {
  const { account } = view.client;
  const label = key
    ? text('searchHere', { name: plainName(account.titleOf(key)) })
    : text('searchAll');
  const properties = { type: 'search', maxLength: 100, placeholder: text('searchPlaceholder') };
  const input = make('input', { ...properties, 'aria-label': label });
  const hits = make('ul', { class: 'hits' });
  const note = make('p', { class: 'hint', role: 'status' });
  const more = make('button', { type: 'button', class: 'link', hidden: true }, text('moreHits'));
  const { dialog } = openDialog(label, input, note, hits, more);
  /** @type {ReturnType<typeof setTimeout>} */
  let timer;
  let round = 0;
  let before = 0;

  const load = async (/** @type {boolean} */ isNew) => {
    const query = input.value.trim();
    const mine = (round += 1);
    if (isNew) fill(hits);
    more.hidden = true;
    if (!query) return;
    const fields = { query, ...(key ? place(key) : {}), ...(isNew ? {} : { before }) };
    await attempt(async () => {
      const answer = await view.client.ask(MSG.SEARCH, fields);
      if (mine !== round) return; // the user has typed on
      hits.append(...listOf(answer.messages).flatMap((frame) => hit(view, frame, dialog)));
      before = answer.before;
      more.hidden = !answer.more;
      fill(note, !hits.children.length && !answer.more && text('nothingFound'));
    });
  };
  input.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(() => load(true), WAIT);
  });
  more.addEventListener('click', () => load(false));
  input.focus();
}

/** @param {ChatView} view @param {Frame} frame @param {HTMLDialogElement} dialog */
function hit(view, frame, dialog) {
  const message = messageOf(frame, view.client.account.id);
  if (!message) return [];
  const { key, name, seq, time } = message;
  const title = plainName(view.client.account.titleOf(key) || frame.groupname || '');
  const where = isGroup(key) ? `${plainName(name)} · ${title}` : plainName(name);
  const onclick = async () => {
    dialog.close();
    await attempt(() => view.showMessage(key, seq));
  };
  const pieces = markedPieces(message.text, frame.marks ?? []).map(nodeOf);
  return [
    make(
      'li',
      {},
      make(
        'button',
        { type: 'button', onclick },
        make('span', { class: 'where' }, make('bdi', {}, where)),
        make('time', { title: fullTimeOf(time) }, shortTimeOf(time)),
        make('span', { class: 'body', dir: 'auto' }, ...pieces),
      ),
    ),
  ];
}
