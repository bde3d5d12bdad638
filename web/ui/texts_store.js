/** The unfinished texts of the input, one for each conversation. They survive a reload. */

/** @typedef {import('../core/types.js').Key} Key */

/** Milliseconds without a key until a text is saved. */
const SAVE_AFTER = 300;

export class UnfinishedTexts {
  #database;
  #account;
  /** @type {Map<Key, string>} */
  #texts = new Map();
  /** @type {Map<Key, ReturnType<typeof setTimeout>>} */
  #timers = new Map();

  /** @param {import('../io/database.js').Database} database @param {string} account */
  constructor(database, account) {
    this.#database = database;
    this.#account = account;
    addEventListener('pagehide', () => this.#saveAll());
  }

  async load() {
    for (const { key, text } of await this.#database.all('texts', this.#account)) {
      this.#texts.set(key, text);
    }
  }

  /** @param {Key} key */
  get(key) {
    return this.#texts.get(key) ?? '';
  }

  /** @param {Key} key @param {string} text */
  save(key, text) {
    this.#texts.set(key, text);
    clearTimeout(this.#timers.get(key));
    this.#timers.set(
      key,
      setTimeout(() => this.#write(key), text ? SAVE_AFTER : 0),
    );
  }

  #saveAll() {
    for (const key of [...this.#timers.keys()]) this.#write(key);
  }

  /** @param {Key} key */
  #write(key) {
    clearTimeout(this.#timers.get(key));
    this.#timers.delete(key);
    const text = this.get(key);
    if (text) this.#database.put('texts', { account: this.#account, key, text });
    else this.#database.delete('texts', [this.#account, key]);
  }
}
