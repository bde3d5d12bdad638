/**
 * Timeline: the messages of one conversation that the page has, in the order of `seq`. Pure.
 *
 * It has no holes: the newest page of the history, the older pages before it, and what has been
 * delivered since. Before the first page it holds saved messages, which may have holes, and
 * `loaded` is false.
 */

/** @typedef {import('./types.js').Message} Message */

export class Timeline {
  /** In the order of seq; messages without seq behind the one before. @type {Message[]} */
  messages = [];
  /** The newest page of the history is here. */
  loaded = false;
  /** The server has older messages. */
  more = true;
  /** @type {Set<number>} */
  #seqs = new Set();

  /** The seq before which the next older page begins; undefined: ask for the newest page. */
  get oldest() {
    return this.loaded ? this.messages.find((message) => message.seq)?.seq : undefined;
  }

  get newest() {
    for (let index = this.messages.length - 1; index >= 0; index -= 1) {
      if (this.messages[index].seq) return this.messages[index].seq;
    }
    return 0;
  }

  /** @param {number} seq */
  has(seq) {
    return this.#seqs.has(seq);
  }

  /**
   * Add a message that was delivered, or sent here. Returns false if it is there already.
   * @param {Message} message
   */
  add(message) {
    if (message.seq) {
      if (this.#seqs.has(message.seq)) return false;
      this.#seqs.add(message.seq);
    }
    this.messages.splice(this.#placeOf(message.seq), 0, message);
    return true;
  }

  /**
   * Messages that were saved earlier: shown until the first page comes.
   * @param {Message[]} saved
   */
  addSaved(saved) {
    if (this.loaded) return;
    for (const message of saved) this.add(message);
  }

  /**
   * Add a page of the history: the newest one, or the one before `oldest`.
   * @param {Message[]} page oldest first
   * @param {boolean} more the server has older ones
   */
  addPage(page, more) {
    if (!this.loaded) {
      // Saved messages before the page may have holes: they come with the older pages.
      const first = page.length ? page[0].seq : 0;
      const kept = page.length
        ? this.messages.filter((message) => !message.seq || message.seq > first)
        : [];
      this.messages = [];
      this.#seqs.clear();
      for (const message of kept) this.add(message);
      this.loaded = true;
    }
    for (const message of page) this.add(message);
    this.more = more;
  }

  /** Forget everything: the device or the database is another one. */
  clear() {
    this.messages = [];
    this.#seqs.clear();
    this.loaded = false;
    this.more = true;
  }

  /** @param {number} seq */
  #placeOf(seq) {
    if (!seq) return this.messages.length;
    let index = this.messages.length;
    for (let at = index - 1; at >= 0; at -= 1) {
      const { seq: other } = this.messages[at];
      if (other && other < seq) break;
      if (other) index = at;
    }
    return index;
  }
}
