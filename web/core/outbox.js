/**
 * Outbox: the user's messages without an answer of the server, in the order of writing. Pure.
 *
 *     add ──▶ waiting ──take──▶ sent ──answered──▶ (gone)   the server has it
 *               ▲                │ │
 *               │                │ └──────────────▶ failed   the server does not take it
 *               ├────────────────┘                    │
 *               │   connection lost, or "not now"     │
 *               └──────────────── retry ──────────────┘
 *
 * A message leaves the outbox by an answer, or because its user deletes it. Example: the server
 * stores a message, and the answer is lost with the connection. The page sends the message again
 * with the same `mid`, after a reload, too. The server knows the `mid`, and answers.
 */

import { ERR, NOT_NOW } from './numbers.js';

/** @typedef {import('./types.js').Draft} Draft */
/** @typedef {import('./types.js').Frame} Frame */

/** The server stops reading from a connection when more than 256 messages have no answer. */
const IN_FLIGHT = 100;

/** Milliseconds until a message is sent again, if the server names no time. */
const RETRY = 1000;

export class Outbox {
  /** All drafts, by `mid`, in order. @type {Map<string, Draft>} */
  #drafts = new Map();
  #notBefore = 0;

  /** @param {Iterable<Draft>} [saved] the drafts of an earlier page */
  constructor(saved = []) {
    for (const draft of saved) {
      const state = draft.state === 'failed' ? 'failed' : 'waiting';
      // The earlier page may have sent it: what is saved does not say whether it has.
      this.#drafts.set(draft.mid, { ...draft, state, copies: Math.max(1, draft.copies) });
    }
  }

  get size() {
    return this.#drafts.size;
  }

  /** @returns {Draft[]} */
  get drafts() {
    return [...this.#drafts.values()];
  }

  /** @param {string} mid */
  get(mid) {
    return this.#drafts.get(mid);
  }

  /** @param {import('./types.js').Key} key @returns {Draft[]} */
  of(key) {
    return this.drafts.filter((draft) => draft.key === key);
  }

  /** @param {Draft} draft */
  add(draft) {
    if (!this.#drafts.has(draft.mid)) this.#drafts.set(draft.mid, draft);
  }

  /**
   * The drafts to send now, in this order. They count as sent.
   * @param {number} now milliseconds
   * @returns {Draft[]}
   */
  take(now) {
    if (now < this.#notBefore) return [];
    const drafts = this.drafts;
    const sent = drafts.filter((draft) => draft.state === 'sent').length;
    const waiting = drafts.filter((draft) => draft.state === 'waiting');
    const taken = waiting.slice(0, Math.max(0, IN_FLIGHT - sent));
    for (const draft of taken) {
      draft.state = 'sent';
      draft.copies += 1;
    }
    return taken;
  }

  /** When `take` will have drafts, in milliseconds; null if none waits. */
  get wakeAt() {
    return this.drafts.some((draft) => draft.state === 'waiting') ? this.#notBefore : null;
  }

  /** The connection is lost: what has no answer waits to be sent again. */
  startOver() {
    this.#notBefore = 0;
    this.#waitAgain(this.drafts);
  }

  /**
   * Take a CHAT_ACK. Returns its draft; undefined if the outbox does not have it.
   * @param {Frame} answer
   * @param {number} now milliseconds
   * @returns {Draft | undefined}
   */
  answered(answer, now) {
    const draft = this.#drafts.get(answer.mid);
    if (!draft) return undefined;
    draft.copies = Math.max(0, draft.copies - 1);
    if (answer.errno === ERR.OK) {
      this.#drafts.delete(draft.mid);
    } else if (NOT_NOW.includes(answer.errno)) {
      const pause = Number(answer.retry_after) * 1000 || RETRY;
      this.#notBefore = Math.max(this.#notBefore, now + pause);
      this.#waitAgain(this.#from(draft));
    } else if (answer.errno === ERR.NOT_YOU) {
      this.#waitAgain(this.#from(draft));
    } else {
      draft.state = 'failed';
      draft.error = String(answer.errmsg ?? '');
    }
    return draft;
  }

  /**
   * Send a failed draft again, behind the others.
   * @param {string} mid
   * @returns {Draft | undefined}
   */
  retry(mid) {
    const draft = this.#drafts.get(mid);
    if (draft?.state !== 'failed') return undefined;
    this.#drafts.delete(mid);
    this.#drafts.set(mid, draft);
    draft.state = 'waiting';
    delete draft.error;
    return draft;
  }

  /**
   * Delete a draft that is not on its way. Returns it; undefined if it is on its way or unknown.
   * If its `copies` are more than 0, the server may have it.
   * @param {string} mid
   * @returns {Draft | undefined}
   */
  withdraw(mid) {
    const draft = this.#drafts.get(mid);
    if (!draft || draft.state === 'sent') return undefined;
    this.#drafts.delete(mid);
    return draft;
  }

  /** Another tab has had its answer, or has deleted it. @param {string} mid */
  remove(mid) {
    return this.#drafts.delete(mid);
  }

  /** @param {Draft} draft */
  #from(draft) {
    const drafts = this.drafts;
    return drafts.slice(drafts.indexOf(draft));
  }

  /** @param {Draft[]} drafts */
  #waitAgain(drafts) {
    for (const draft of drafts) if (draft.state === 'sent') draft.state = 'waiting';
  }
}
