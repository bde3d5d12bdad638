/**
 * Inbox: the messages that the server delivers, each once, and their acknowledgements. Pure.
 *
 *     put ──▶ shown, and to be saved ──saved──▶ to be acknowledged
 *
 * The server sends a message again at each login until it is acknowledged. The page acknowledges
 * it when it is saved. Without IndexedDB the page acknowledges it when it is shown.
 *
 * A copy of an own message that was sent here is held back while the outbox has such a message.
 * Example: the page sends a message, and its connection breaks; it logs in again as another device;
 * then the server reads the message, and copies it to this device. The answer decides.
 */

/** @typedef {import('./types.js').Message} Message */

/** At most 200 messages come again after a lost connection. */
const REMEMBERED = 1000;

export class Inbox {
  /** The seqs of shown messages: a set with an order. @type {Set<number>} */
  #shown;
  /** @type {Message[]} */
  #held = [];
  /** @type {number[]} */
  #saved = [];

  /** @param {Iterable<number>} [shown] seqs that an earlier page has shown */
  constructor(shown = []) {
    this.#shown = new Set(shown);
  }

  /** @returns {number[]} */
  get shown() {
    return [...this.#shown];
  }

  /**
   * Take a message that has come. Returns true if it is to be shown.
   * @param {Message} message
   * @param {boolean} [hold] it may be a message that was sent here
   */
  put(message, hold = false) {
    if (!message.seq) return true; // not stored: it is never repeated
    if (this.#shown.has(message.seq)) {
      this.#saved.push(message.seq);
      return false;
    }
    if (hold) {
      if (!this.#held.some((other) => other.seq === message.seq)) this.#held.push(message);
      return false;
    }
    this.#remember(message.seq);
    return true;
  }

  /** A message that was sent here has this seq. @param {number} seq */
  sentHere(seq) {
    this.#remember(seq);
    if (this.#held.some((message) => message.seq === seq)) this.#saved.push(seq);
    this.#held = this.#held.filter((message) => message.seq !== seq);
  }

  /**
   * The held messages that were not sent here after all. They count as shown.
   * @param {(message: Message) => boolean} mayBeSentHere
   * @returns {Message[]}
   */
  release(mayBeSentHere) {
    const free = this.#held.filter((message) => !mayBeSentHere(message));
    this.#held = this.#held.filter((message) => mayBeSentHere(message));
    for (const message of free) this.#remember(message.seq);
    return free;
  }

  /** These messages are saved. @param {Iterable<number>} seqs */
  saved(seqs) {
    for (const seq of seqs) if (seq) this.#saved.push(seq);
  }

  /** The seqs to acknowledge now, at most 1,000. @returns {number[]} */
  takeAcknowledgements() {
    return this.#saved.splice(0, 1000);
  }

  /** The database has another history: forget all numbers. */
  forget() {
    this.#shown.clear();
    this.#held = [];
    this.#saved = [];
  }

  /** @param {number} seq */
  #remember(seq) {
    this.#shown.add(seq);
    for (const oldest of this.#shown) {
      if (this.#shown.size <= REMEMBERED) break;
      this.#shown.delete(oldest);
    }
  }
}
