/** Backoff: growing, random pauses between attempts to connect. Pure. */

const FIRST = 500;
const LONGEST = 30_000;

export class Backoff {
  #next = FIRST;
  #random;

  /** @param {() => number} [random] a number from 0 to 1 */
  constructor(random = Math.random) {
    this.#random = random;
  }

  /** The pause before the next attempt, in milliseconds. @param {number} [least] */
  take(least = 0) {
    const pause = this.#next * (0.5 + this.#random());
    this.#next = Math.min(LONGEST, this.#next * 2);
    return Math.max(least, pause);
  }

  /** The last attempt has succeeded. */
  reset() {
    this.#next = FIRST;
  }
}
