/**
 * Socket: one connection to the server, with answers to requests and a heartbeat.
 * One JSON object in each text message, of the protocol in docs/protocol.md.
 */

import { MSG } from '../core/numbers.js';

/** @typedef {import('../core/types.js').Frame} Frame */

/** Milliseconds for the connection and the login. */
const CONNECT_WITHIN = 10_000;

/** Milliseconds for an answer. */
const ANSWER_WITHIN = 30_000;

/** The connection has ended before the answer, or the answer did not come. */
export class LostError extends Error {}

/** The server has refused a request. */
export class RefusedError extends Error {
  /** @param {Frame} answer */
  constructor(answer) {
    super(String(answer.errmsg ?? 'refused'));
    this.answer = answer;
    this.errno = Number(answer.errno);
    this.retryAfter = Number(answer.retry_after) || 0;
  }
}

export class Socket {
  /** The reason of the server for the end: BYE_MSG or ERROR_MSG. @type {Frame | null} */
  goodbye = null;
  #web;
  #onFrame;
  #onClose;
  /** @type {Map<string, {resolve: (answer: Frame) => void, reject: (error: Error) => void}>} */
  #asked = new Map();
  #rid = 0;
  #heartbeat = 0;
  #sentAt = Date.now();
  #heardAt = Date.now();
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  #closed = false;

  /**
   * Connects.
   * @param {string} url
   * @param {(frame: Frame) => void} onFrame a frame that answers no request
   * @param {() => void} onClose called once
   */
  constructor(url, onFrame, onClose) {
    this.#onFrame = onFrame;
    this.#onClose = onClose;
    this.#web = new WebSocket(url);
    this.#web.onmessage = (event) => this.#receive(event.data);
    this.#web.onclose = () => this.#end();
    this.opened = this.#open();
    this.opened.catch(() => {});
  }

  /** Send without an answer. @param {Frame} frame */
  send(frame) {
    if (this.#web.readyState !== WebSocket.OPEN) return;
    this.#sentAt = Date.now();
    this.#web.send(JSON.stringify(frame));
  }

  /**
   * Send a request; resolves with the answer.
   * Rejects with RefusedError or LostError.
   * @param {Frame} frame
   * @returns {Promise<Frame>}
   */
  ask(frame) {
    const rid = String((this.#rid += 1));
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(new LostError('not connected'));
        return;
      }
      const late = setTimeout(() => this.close(), ANSWER_WITHIN);
      const done = () => {
        clearTimeout(late);
        this.#asked.delete(rid);
      };
      this.#asked.set(rid, {
        resolve: (answer) => {
          done();
          if (answer.errno) reject(new RefusedError(answer));
          else resolve(answer);
        },
        reject: (error) => {
          done();
          reject(error);
        },
      });
      this.send({ ...frame, rid });
    });
  }

  /** Send a ping when nothing else was sent for so long. @param {number} seconds */
  startHeartbeat(seconds) {
    this.#heartbeat = seconds * 1000;
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#beat(), 1000);
  }

  /** Is the server still there? Ask now, for example when the machine wakes up. */
  check() {
    if (!this.#heartbeat) return;
    this.#beat();
    this.send({ msgid: MSG.PING });
  }

  close() {
    this.#web.close();
    this.#end();
  }

  /** @returns {Promise<void>} */
  #open() {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => this.close(), CONNECT_WITHIN);
      this.#web.onopen = () => {
        clearTimeout(late);
        resolve();
      };
      this.#web.addEventListener('close', () => {
        clearTimeout(late);
        reject(new LostError('no connection'));
      });
    });
  }

  /** @param {unknown} data */
  #receive(data) {
    this.#heardAt = Date.now();
    const frame = parse(data);
    if (!frame) return;
    if (frame.msgid === MSG.BYE || (frame.msgid === MSG.ERROR && frame.rid === undefined)) {
      this.goodbye = frame;
    }
    const asked = typeof frame.rid === 'string' ? this.#asked.get(frame.rid) : undefined;
    if (asked) asked.resolve(frame);
    else this.#onFrame(frame);
  }

  #beat() {
    const now = Date.now();
    if (now < this.#sentAt || now < this.#heardAt) this.#sentAt = this.#heardAt = now; // set back
    if (now - this.#heardAt > 3 * this.#heartbeat) this.close();
    else if (now - this.#sentAt >= this.#heartbeat) this.send({ msgid: MSG.PING });
  }

  #end() {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    for (const asked of [...this.#asked.values()]) asked.reject(new LostError('connection lost'));
    this.#onClose();
  }
}

/** @param {unknown} data @returns {Frame | null} */
function parse(data) {
  try {
    const frame = JSON.parse(String(data));
    return typeof frame === 'object' && frame !== null && !Array.isArray(frame) ? frame : null;
  } catch {
    return null;
  }
}
