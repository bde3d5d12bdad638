/** Who is writing. The server stores nothing: a notice holds for some seconds. Pure. */

/** @typedef {import('./types.js').Key} Key */

/** Milliseconds that a notice is shown. */
export const SHOWN = 6000;

/** Milliseconds between two notices of this user. */
export const EVERY = 3000;

export class Typing {
  /** @type {Map<Key, Map<number, number>>} */
  #until = new Map();
  /** @type {Map<Key, number>} */
  #told = new Map();

  /** @param {Key} key @param {number} userId @param {number} now */
  begins(key, userId, now) {
    const users = this.#until.get(key) ?? new Map();
    this.#until.set(key, users.set(userId, now + SHOWN));
  }

  /** A message of the user has come. @param {Key} key @param {number} userId */
  ends(key, userId) {
    this.#until.get(key)?.delete(userId);
  }

  /** @param {Key} key @param {number} now @returns {number[]} */
  of(key, now) {
    const users = this.#until.get(key) ?? new Map();
    return [...users].filter(([, until]) => until > now).map(([userId]) => userId);
  }

  /** Is a notice of this user due? It counts as sent. @param {Key} key @param {number} now */
  isDue(key, now) {
    if (now - (this.#told.get(key) ?? -EVERY) < EVERY) return false;
    this.#told.set(key, now);
    return true;
  }
}
