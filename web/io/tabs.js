/**
 * Tabs: the tabs of this browser that use one account. Each takes a place of its own: 1, 2, 3 ...
 * A place is a device of the user, so that each tab gets every message. A later tab takes the place
 * of a closed one.
 *
 * A tab holds its place with a Web Lock. Without HTTPS there are no Web Locks: then a tab asks the
 * others over a BroadcastChannel. Two tabs that open at the same moment may take the same place
 * then. The server ends the login of the first, and its page says so.
 */

/** Tabs of one account. */
export const PLACES = 3;

/** Milliseconds to wait for the answers of other tabs. */
const ASK_FOR = 150;

export class Tabs {
  place = 0;
  #account;
  #channel;
  #release = () => {};
  /** @type {Set<number>} */
  #taken = new Set();
  #onNews;

  /**
   * @param {string} account
   * @param {(news: any) => void} onNews what another tab has told
   */
  constructor(account, onNews) {
    this.#account = account;
    this.#onNews = onNews;
    this.#channel =
      'BroadcastChannel' in globalThis ? new BroadcastChannel(`chat ${account}`) : null;
    this.#channel?.addEventListener('message', (event) => this.#take(event.data));
  }

  /** Take the first free place. Returns 0 if all are taken. */
  async takePlace() {
    this.leave();
    for (let place = 1; place <= PLACES; place += 1) {
      if (await this.#tryPlace(place)) {
        this.place = place;
        return place;
      }
    }
    return 0;
  }

  /** Tell the other tabs. @param {any} news */
  tell(news) {
    this.#channel?.postMessage(news);
  }

  /** Give the place back. */
  leave() {
    if (this.place) this.tell({ type: 'left' });
    this.place = 0;
    this.#release();
    this.#release = () => {};
  }

  close() {
    this.leave();
    this.#channel?.close();
  }

  /** @param {number} place @returns {Promise<boolean>} */
  async #tryPlace(place) {
    if (!navigator.locks) {
      await this.#ask();
      return !this.#taken.has(place);
    }
    return new Promise((resolve) => {
      const hold = (/** @type {Lock | null} */ lock) => {
        resolve(lock !== null);
        if (!lock) return undefined;
        return new Promise((/** @type {(value?: unknown) => void} */ release) => {
          this.#release = release;
        });
      };
      navigator.locks.request(this.#lockOf(place), { ifAvailable: true }, hold);
    });
  }

  async #ask() {
    this.#taken.clear();
    this.tell({ type: 'who' });
    await new Promise((resolve) => setTimeout(resolve, ASK_FOR));
  }

  /** @param {number} place */
  #lockOf(place) {
    return `chat ${this.#account} ${place}`;
  }

  /** @param {any} news */
  #take(news) {
    if (news.type === 'who' && this.place) this.tell({ type: 'here', place: this.place });
    else if (news.type === 'here') this.#taken.add(news.place);
    else this.#onNews(news);
  }
}
