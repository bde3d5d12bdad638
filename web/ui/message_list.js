/**
 * The messages of one conversation. The page holds a window of at most 300 lines of them: it moves
 * when its end is scrolled into view. So a conversation of any length scrolls smoothly.
 */

import { isGroup } from '../core/keys.js';
import { linesOf } from '../core/lines.js';
import { text } from '../text/texts.js';
import { iconButton, make, reconcile } from './dom.js';
import { changeLine, makeLine } from './message_line.js';

/** @typedef {import('../core/lines.js').Line} Line */
/** @typedef {import('../core/types.js').Key} Key */
/** @typedef {import('../io/client.js').Client} Client */

/** Lines of the window, and of one step of it. */
const WINDOW = 300;
const STEP = 100;

/** Pixels from an end of the window at which it moves. */
const NEAR = 600;

/** Pixels from the end at which the newest message counts as seen. */
const AT_END = 40;

export class MessageList {
  element;
  /** Called when the newest message is on the screen. */
  onSeen = () => {};
  /** Called when older messages are wanted. */
  onOlder = () => {};
  #client;
  #actions;
  #scroller;
  #lines;
  #jump;
  #live = make('div', { class: 'visually-hidden', role: 'log', 'aria-live': 'polite' });
  /** @type {Line[]} */
  #all = [];
  /** The window: from this line to the one before `#end`. */
  #start = 0;
  #end = 0;
  /** @type {Key} */
  #key = '';
  #unreadAfter = -1;
  #newest = 0;
  #isAtEnd = true;

  /** @param {Client} client @param {import('./message_line.js').LineActions} actions */
  constructor(client, actions) {
    this.#client = client;
    this.#actions = actions;
    this.#lines = make('ol', { class: 'lines', 'aria-label': text('messages') });
    this.#scroller = make('div', { class: 'scroller', tabIndex: 0 }, this.#lines);
    this.#jump = iconButton('down', text('jumpToNewest'), () => this.jumpToNewest());
    this.#jump.classList.add('jump');
    this.element = make('div', { class: 'message-list' }, this.#scroller, this.#jump, this.#live);
    this.#scroller.addEventListener('scroll', () => this.#scrolled(), { passive: true });
    new ResizeObserver(() => this.#keepEnd()).observe(this.#scroller);
  }

  get isAtEnd() {
    return this.#isAtEnd;
  }

  /** Show another conversation. @param {Key} key */
  show(key) {
    const conversation = this.#client.account.conversations.get(key);
    this.#key = key;
    this.element.classList.toggle('direct', !isGroup(key));
    this.#unreadAfter = conversation?.unread ? conversation.read : -1;
    this.#newest = this.#client.account.timeline(key).newest;
    this.#isAtEnd = true;
    this.#lines.replaceChildren();
    this.#live.replaceChildren();
    this.#all = [];
    this.#start = this.#end = 0;
    this.update();
    this.#scrollToUnread();
  }

  /** Draw what has changed. */
  update() {
    if (!this.#key) return;
    const { account } = this.#client;
    const timeline = account.timeline(this.#key);
    const otherRead = account.conversations.get(this.#key)?.otherRead ?? 0;
    const view = { ownId: account.id, otherRead, unreadAfter: this.#unreadAfter };
    const first = this.#all[this.#start]?.id;
    const wasWhole = this.#end >= this.#all.length;
    this.#all = linesOf(timeline.messages, account.outbox.of(this.#key), view);
    const place = first ? this.#all.findIndex((line) => line.id === first) : -1;
    if (wasWhole && this.#isAtEnd) this.#setWindow(this.#all.length - WINDOW, this.#all.length);
    else if (place >= 0) {
      const end = wasWhole ? Math.min(this.#all.length, place + WINDOW) : place + this.#size;
      this.#setWindow(place, end);
    } else this.#setWindow(this.#all.length - WINDOW, this.#all.length);
    this.#draw();
    this.#announce();
    this.#keepEnd();
    this.#fillScreen();
  }

  /** The line "new messages" goes away: the user has read them. */
  forgetUnread() {
    if (this.#unreadAfter < 0) return;
    this.#unreadAfter = -1;
    this.update();
  }

  jumpToNewest() {
    this.#setWindow(this.#all.length - WINDOW, this.#all.length);
    this.#draw();
    this.#isAtEnd = true;
    this.#keepEnd();
  }

  /** Show a message, which is in the timeline, and mark it for a moment. @param {number} seq */
  jumpTo(seq) {
    const index = this.#all.findIndex((line) => line.message?.seq === seq);
    if (index < 0) return false;
    this.#isAtEnd = false;
    this.#setWindow(index - WINDOW / 2, index + WINDOW / 2);
    this.#draw();
    const element = this.#elementOf(this.#all[index].id);
    element?.scrollIntoView({ block: 'center' });
    element?.classList.add('found');
    setTimeout(() => element?.classList.remove('found'), 3000);
    return true;
  }

  /** The keys for moving through the messages. @param {KeyboardEvent} event */
  scrollBy(event) {
    const page = this.#scroller.clientHeight * 0.8;
    if (event.key === 'PageUp') this.#scroller.scrollBy(0, -page);
    else if (event.key === 'PageDown') this.#scroller.scrollBy(0, page);
    else return false;
    return true;
  }

  get #size() {
    return this.#end - this.#start;
  }

  /** @param {string} id @returns {HTMLElement | null} */
  #elementOf(id) {
    return this.#lines.querySelector(`[data-id="${CSS.escape(id)}"]`);
  }

  /** @param {number} start @param {number} end */
  #setWindow(start, end) {
    this.#start = Math.max(0, start);
    this.#end = Math.min(this.#all.length, Math.max(end, this.#start));
  }

  #draw() {
    reconcile(
      this.#lines,
      this.#all.slice(this.#start, this.#end),
      (line) => line.id,
      (line) => makeLine(line, this.#client.account, this.#actions),
      (element, line) => changeLine(element, line, this.#actions),
    );
    this.#jump.hidden = this.#isAtEnd;
  }

  /** A screen reader says what is new. */
  #announce() {
    const { account } = this.#client;
    const { messages, newest, loaded } = account.timeline(this.#key);
    if (!loaded || newest <= this.#newest) return;
    const news = messages.filter((one) => one.seq > this.#newest && one.from !== account.id);
    if (this.#newest) {
      const said = news.slice(-3).map((one) => make('p', {}, `${one.name}: ${one.text}`));
      this.#live.replaceChildren(...said);
    }
    this.#newest = newest;
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    const below = scrollHeight - scrollTop - clientHeight;
    const isWhole = this.#end >= this.#all.length;
    this.#isAtEnd = isWhole && below < AT_END;
    this.#jump.hidden = this.#isAtEnd;
    if (this.#isAtEnd) this.onSeen();
    if (scrollTop < NEAR) this.#moveUp();
    else if (!isWhole && below < NEAR) this.#moveDown();
  }

  #moveUp() {
    if (this.#start === 0) {
      this.onOlder();
      return;
    }
    this.#keepingPlace(() => {
      const start = Math.max(0, this.#start - STEP);
      this.#setWindow(start, Math.min(this.#end, start + WINDOW));
      this.#draw();
    });
  }

  #moveDown() {
    this.#keepingPlace(() => {
      const end = Math.min(this.#all.length, this.#end + STEP);
      this.#setWindow(Math.max(this.#start, end - WINDOW), end);
      this.#draw();
    });
  }

  /** The first line on the screen stays where it is. @param {() => void} change */
  #keepingPlace(change) {
    const top = this.#scroller.getBoundingClientRect().top;
    const children = /** @type {HTMLElement[]} */ ([...this.#lines.children]);
    const anchor = children.find((line) => line.getBoundingClientRect().bottom > top);
    const before = anchor?.getBoundingClientRect().top ?? 0;
    change();
    if (anchor?.isConnected) {
      this.#scroller.scrollTop += anchor.getBoundingClientRect().top - before;
    }
  }

  /** Older messages have come: `update`, and the lines on the screen stay. */
  updateInPlace() {
    if (this.#isAtEnd) this.update();
    else this.#keepingPlace(() => this.update());
  }

  #keepEnd() {
    if (!this.#isAtEnd) return;
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.onSeen();
  }

  /** A short conversation does not scroll: load until the screen is full. */
  #fillScreen() {
    const { loaded, more } = this.#client.account.timeline(this.#key);
    const { scrollHeight, clientHeight } = this.#scroller;
    if (loaded && more && scrollHeight <= clientHeight + NEAR && this.#start === 0) this.onOlder();
  }

  #scrollToUnread() {
    const line = this.#elementOf('unread');
    if (!line) return;
    const { top } = line.getBoundingClientRect();
    const screen = this.#scroller.getBoundingClientRect();
    if (top >= screen.top) return; // on the screen
    this.#isAtEnd = false;
    line.scrollIntoView({ block: 'start' });
    this.#jump.hidden = false;
  }
}
