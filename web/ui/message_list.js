/**
 * The messages of one conversation. The page holds a window of at most 300 lines of them: it moves
 * when its end is scrolled into view. So a conversation of any length scrolls smoothly.
 */

import { isGroup } from '../core/keys.js';
import { linesOf } from '../core/lines.js';
import { text } from '../text/texts.js';
import { make, reconcile } from './dom.js';
import { JumpButtons } from './jump_buttons.js';
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
  /** Called when the first unread message is wanted. */
  onUnread = () => {};
  #client;
  #actions;
  #scroller;
  #lines;
  #jumps = new JumpButtons(
    () => this.onUnread(),
    () => this.jumpToNewest(),
  );
  #live = make('div', { class: 'visually-hidden', role: 'log', 'aria-live': 'polite' });
  /** @type {Line[]} */
  #all = [];
  /** The window: from this line to the one before `#end`. */
  #start = 0;
  #end = 0;
  /** @type {Key} */
  #key = '';
  /** The seq before the line "new messages"; -1: no such line. */
  #unreadAfter = -1;
  /** The number of unread messages when the line was set; empty: the user has seen the line. */
  #unreadCount = '';
  /** The newest seq when the end was last on the screen. */
  #seenUpTo = 0;
  /** The newest page has been shown. */
  #isOpened = false;
  /** The size of the screen at the last scrolling. */
  #screen = '';
  #newest = 0;
  #isAtEnd = true;

  /** @param {Client} client @param {import('./message_line.js').LineActions} actions */
  constructor(client, actions) {
    this.#client = client;
    this.#actions = actions;
    this.#lines = make('ol', { class: 'lines', 'aria-label': text('messages') });
    this.#scroller = make('div', { class: 'scroller', tabIndex: 0 }, this.#lines);
    const parts = [this.#scroller, ...this.#jumps.elements, this.#live];
    this.element = make('div', { class: 'message-list' }, ...parts);
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
    this.#unreadAfter = -1;
    this.#unreadCount = '';
    this.#seenUpTo = Number.MAX_SAFE_INTEGER; // the user begins at the end
    this.#isOpened = false;
    if (conversation?.unread) this.#setUnread(conversation);
    this.#newest = this.#client.account.timeline(key).newest;
    this.#isAtEnd = true;
    this.#lines.replaceChildren();
    this.#live.replaceChildren();
    this.#all = [];
    this.#start = this.#end = 0;
    this.update();
  }

  /** Messages have come while the user was away: they get the line "new messages". */
  wasAway() {
    const conversation = this.#client.account.conversations.get(this.#key);
    if (!conversation?.unread || conversation.read === this.#unreadAfter) return;
    this.#setUnread(conversation);
  }

  /** The seq behind which the unread messages begin; -1: there are none. */
  get unreadAfter() {
    return this.#unreadAfter;
  }

  /** Draw what has changed. */
  update() {
    if (!this.#key) return;
    const { account } = this.#client;
    const timeline = account.timeline(this.#key);
    const otherRead = account.conversations.get(this.#key)?.otherRead ?? 0;
    const unreadAfter = this.#isUnreadLoaded ? this.#unreadAfter : -1;
    const view = { ownId: account.id, otherRead, unreadAfter };
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
    if (!this.#isOpened && timeline.loaded) this.#begin();
    this.#fillScreen();
  }

  /** The line "new messages" goes away: the user has read them. */
  forgetUnread() {
    if (this.#unreadAfter < 0) return;
    this.#unreadAfter = -1;
    this.#unreadCount = '';
    this.update();
  }

  jumpToNewest() {
    this.#setWindow(this.#all.length - WINDOW, this.#all.length);
    this.#isAtEnd = true;
    this.#draw();
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
    this.#showJumps();
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
    const { scrollTop, scrollHeight, clientHeight, clientWidth } = this.#scroller;
    const screen = `${clientWidth} ${clientHeight}`;
    if (this.#screen !== screen) {
      this.#screen = screen;
      this.#keepEnd(); // the browser has scrolled, not the user
    }
    if (this.#isAtEnd && this.#scroller.scrollTop !== scrollTop) return;
    const below = scrollHeight - scrollTop - clientHeight;
    const isWhole = this.#end >= this.#all.length;
    this.#isAtEnd = isWhole && below < AT_END;
    if (this.#isAtEnd) this.#sawEnd();
    this.#showJumps();
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
    if (this.#isOpened) this.#sawEnd();
  }

  /** A short conversation does not scroll: load until the screen is full. */
  #fillScreen() {
    const { loaded, more } = this.#client.account.timeline(this.#key);
    const { scrollHeight, clientHeight } = this.#scroller;
    if (loaded && more && scrollHeight <= clientHeight + NEAR && this.#start === 0) this.onOlder();
  }

  /** Show the line "new messages" at the top of the screen. */
  scrollToUnread() {
    const index = this.#all.findIndex((line) => line.type === 'unread');
    if (index < 0) return;
    this.#isAtEnd = false;
    this.#setWindow(index - STEP, index - STEP + WINDOW);
    this.#draw();
    this.#elementOf('unread')?.scrollIntoView({ block: 'start' });
    this.#unreadCount = '';
    this.#seenUpTo = this.#client.account.timeline(this.#key).newest;
    this.#showJumps();
  }

  /** The newest page is here: show its first unread message, else its end. */
  #begin() {
    this.#isOpened = true;
    if (this.#isAtEnd && this.#isUnreadLoaded && this.#isUnreadAbove()) this.scrollToUnread();
    if (this.#isAtEnd) this.#sawEnd();
  }

  /** @param {import('../core/types.js').Conversation} conversation */
  #setUnread({ read, unread, unreadMore }) {
    this.#unreadAfter = read;
    this.#unreadCount = `${unread}${unreadMore ? '+' : ''}`;
  }

  /** Is the place of the line "new messages" among the loaded messages? */
  get #isUnreadLoaded() {
    const { loaded, more, messages } = this.#client.account.timeline(this.#key);
    return loaded && (!more || messages.some(({ seq }) => seq && seq <= this.#unreadAfter));
  }

  #isUnreadAbove() {
    if (this.#unreadAfter < 0) return false;
    const line = this.#elementOf('unread');
    const top = this.#scroller.getBoundingClientRect().top;
    if (line) return line.getBoundingClientRect().bottom < top;
    const index = this.#all.findIndex(({ type }) => type === 'unread');
    return index < this.#start; // also if it is not loaded
  }

  #sawEnd() {
    const { loaded, newest } = this.#client.account.timeline(this.#key);
    if (!loaded) return;
    this.#seenUpTo = newest;
    this.onSeen();
  }

  #showJumps() {
    if (this.#unreadCount && !this.#isUnreadAbove() && this.#elementOf('unread')) {
      this.#unreadCount = '';
    }
    this.#jumps.showUnread(this.#unreadCount && this.#isUnreadAbove() ? this.#unreadCount : '');
    this.#jumps.showNewest(this.#isAtEnd, this.#isAtEnd ? 0 : this.#countNews());
  }

  /** Messages of others that came since the end was on the screen. */
  #countNews() {
    const { account } = this.#client;
    const { messages } = account.timeline(this.#key);
    let count = 0;
    for (let index = messages.length - 1; index >= 0; index -= 1) {
      const { seq, from, event } = messages[index];
      if (seq && seq <= this.#seenUpTo) break;
      if (from !== account.id && !event) count += 1;
    }
    return count;
  }
}
