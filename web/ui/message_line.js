/** One line of the list of messages. Texts of others become text nodes and links only. */

import { piecesOf, plainName } from '../core/rich_text.js';
import { eventText } from '../text/event_text.js';
import { clockOf, dayOf, fullTimeOf, text } from '../text/texts.js';
import { fill, make, setAttribute, setText } from './dom.js';

/** @typedef {import('../core/account.js').Account} Account */
/** @typedef {import('../core/lines.js').Line} Line */

/**
 * @typedef {object} LineActions
 * @property {(mid: string) => unknown} retry
 * @property {(mid: string) => unknown} withdraw
 */

/**
 * @param {Line} line
 * @param {Account} account
 * @param {LineActions} actions
 * @returns {HTMLElement}
 */
export function makeLine(line, account, actions) {
  if (line.type === 'day') return make('li', { class: 'day' }, make('span', {}, dayOf(line.time)));
  if (line.type === 'unread') {
    return make('li', { class: 'unread' }, make('span', {}, text('newMessages')));
  }
  const event = line.message?.event;
  if (event) {
    const time = make('time', { title: fullTimeOf(line.time) }, clockOf(line.time));
    return make('li', { class: 'event' }, make('bdi', {}, eventText(event)), ' ', time);
  }
  const element = makeMessage(line, account);
  changeLine(element, line, actions);
  return element;
}

/** @param {Line} line @param {Account} account */
function makeMessage(line, account) {
  const message = line.message;
  const isOther = message && message.from !== account.id;
  const name = isOther ? message.name || account.roster.nameOf(message.from) : text('you');
  const said = message?.text ?? line.draft?.text ?? '';
  const sender = make('bdi', { class: 'sender' }, plainName(name));
  sender.dataset.colour = String((message?.from ?? account.id) % 6);
  const body = make('div', { class: 'body', dir: 'auto' }, ...piecesOf(said).map(nodeOf));
  const time = make('time', { title: fullTimeOf(line.time) }, clockOf(line.time));
  const state = make('span', { class: 'state' });
  const bubble = make(
    'div',
    { class: 'bubble' },
    body,
    make('span', { class: 'meta' }, time, state),
  );
  return make('li', { class: 'message' }, sender, bubble, make('div', { class: 'trouble' }));
}

/** @param {import('../core/rich_text.js').Piece} piece */
export function nodeOf(piece) {
  if (piece.isMarked) return make('mark', {}, piece.text);
  if (!piece.href) return piece.text;
  const safe = { rel: 'noopener noreferrer', target: '_blank' };
  return make('a', { href: piece.href, ...safe }, piece.text);
}

/** Change what can change: the state and the block. @param {HTMLElement} element @param {Line} line
 * @param {LineActions} actions */
export function changeLine(element, line, actions) {
  if (line.type !== 'message' && line.type !== 'draft') return;
  element.classList.toggle('own', line.isOwn);
  element.classList.toggle('first', line.isFirst);
  const [mark, label] = stateOf(line);
  const state = /** @type {HTMLElement} */ (element.querySelector('.state'));
  if (state.dataset.mark === mark) return;
  state.dataset.mark = mark;
  setText(state, mark);
  setAttribute(state, 'role', label ? 'img' : null);
  setAttribute(state, 'aria-label', label || null);
  state.title = label;
  element.classList.toggle('failed', line.draft?.state === 'failed');
  showTrouble(/** @type {Element} */ (element.querySelector('.trouble')), line, actions);
}

/** The mark of an own message, and its name. @param {Line} line @returns {[string, string]} */
function stateOf({ draft, isOwn, isRead }) {
  if (!isOwn) return ['', ''];
  if (draft?.state === 'failed') return ['✗', text('stateFailed', { error: draft.error ?? '' })];
  if (draft) return ['…', text(draft.state === 'sent' ? 'stateSent' : 'stateWaiting')];
  return isRead ? ['✓✓', text('stateRead')] : ['✓', text('stateStored')];
}

/** @param {Element} place @param {Line} line @param {LineActions} actions */
function showTrouble(place, { draft }, actions) {
  if (draft?.state !== 'failed') {
    fill(place);
    return;
  }
  const button = (
    /** @type {import('../text/texts.js').TextKey} */ key,
    /** @type {() => unknown} */ act,
  ) => make('button', { type: 'button', class: 'link', onclick: act }, text(key));
  const { mid } = draft;
  fill(
    place,
    make('span', {}, text('stateFailed', { error: draft.error ?? '' })),
    button('retry', () => actions.retry(mid)),
    button('withdraw', () => actions.withdraw(mid)),
  );
}
