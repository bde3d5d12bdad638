/**
 * Database: what the page keeps in IndexedDB. Without IndexedDB (a private window, a full disk) it
 * keeps everything in memory, and `lasting` is false.
 *
 * | store | key | content |
 * |---|---|---|
 * | `accounts` | account | the signed-in users, with their tokens |
 * | `messages` | account, conversation, seq | messages for reading without a connection |
 * | `outbox` | account, mid | messages without an answer of the server |
 * | `conversations` | account, key | the list of conversations |
 * | `texts` | account, key | unfinished texts of the input line |
 * | `settings` | name | language, colours, the name of this browser as a device |
 */

/** @typedef {import('../core/types.js').Change} Change */

const NAME = 'chat';
const VERSION = 1;

/** @type {Record<string, string[]>} */
const KEYS = {
  accounts: ['account'],
  messages: ['account', 'key', 'seq'],
  outbox: ['account', 'mid'],
  conversations: ['account', 'key'],
  texts: ['account', 'key'],
  settings: ['name'],
};

/** Messages of one account that are kept. */
const MESSAGES_KEPT = 5000;

/** Messages that are kept in memory, where IndexedDB fails. */
const MESSAGES_IN_MEMORY = 1000;

export class Database {
  /** Does it survive a reload? */
  lasting;
  #idb;
  /** @type {Map<string, Map<string, any>>} */
  #memory = new Map(Object.keys(KEYS).map((store) => [store, new Map()]));
  #onTrouble;

  /**
   * @param {IDBDatabase | null} idb null: memory only
   * @param {(error: unknown) => void} onTrouble called once, when IndexedDB fails
   */
  constructor(idb, onTrouble) {
    this.#idb = idb;
    this.lasting = idb !== null;
    this.#onTrouble = onTrouble;
  }

  /**
   * Open it. Never fails.
   * @param {(error: unknown) => void} onTrouble
   */
  static async open(onTrouble) {
    try {
      return new Database(await openIdb(), onTrouble);
    } catch (error) {
      onTrouble(error);
      return new Database(null, onTrouble);
    }
  }

  /** @param {string} store @param {any} key */
  async get(store, key) {
    const found = await this.#read(store, (objects) => objects.get(key));
    return found ?? this.#memory.get(store)?.get(JSON.stringify(key));
  }

  /** All values of an account, or of the store. @param {string} store @param {string} [account] */
  async all(store, account) {
    const range = account === undefined ? undefined : rangeOf([account]);
    const found = await this.#read(store, (objects) => objects.getAll(range));
    const kept = [...(this.#memory.get(store)?.values() ?? [])];
    return [...(found ?? []), ...kept.filter((one) => !account || one.account === account)];
  }

  /** The newest saved messages of a conversation, oldest first.
   * @param {string} account @param {string} key @param {number} limit */
  async messages(account, key, limit) {
    const range = rangeOf([account, key]);
    const found = await this.#read('messages', (objects) => newest(objects, range, limit));
    const kept = [...(this.#memory.get('messages')?.values() ?? [])];
    const mine = kept.filter((one) => one.account === account && one.key === key);
    return [...(found ?? []).reverse(), ...mine].slice(-limit);
  }

  /** The newest seqs of an account. @param {string} account @param {number} limit */
  async seqs(account, limit) {
    const range = rangeOf([account]);
    const find = (/** @type {IDBObjectStore} */ objects) =>
      newest(objects.index('seq'), range, limit);
    const found = await this.#read('messages', find);
    return (found ?? []).map((one) => one.seq).reverse();
  }

  /**
   * Write all changes, or none. When it returns they are saved, or the trouble was told.
   * @param {string} account
   * @param {Change[]} changes
   */
  async write(account, changes) {
    if (!changes.length) return;
    const stores = [...new Set(changes.map((change) => change.store))];
    const done = await this.#change(stores, (objects) => {
      for (const change of changes) {
        const place = objects(change.store);
        if (change.type === 'put') place.put({ ...change.value, account });
        else place.delete([account, change.key]);
      }
    });
    for (const change of changes) {
      if (done || change.type === 'delete') this.#forget(account, change);
      else this.#remember(account, change.store, change.value);
    }
  }

  /** @param {string} store @param {any} value */
  async put(store, value) {
    const done = await this.#change([store], (objects) => objects(store).put(value));
    if (done) this.#memory.get(store)?.delete(keyText(store, value));
    else this.#memory.get(store)?.set(keyText(store, value), value);
  }

  /** @param {string} store @param {any} key */
  async delete(store, key) {
    await this.#change([store], (objects) => objects(store).delete(key));
    this.#memory.get(store)?.delete(JSON.stringify(key));
  }

  /** Delete everything of an account but the account. @param {string} account */
  async clear(account, stores = ['messages', 'outbox', 'conversations', 'texts']) {
    await this.#change(stores, (objects) => {
      for (const store of stores) objects(store).delete(rangeOf([account]));
    });
    for (const store of stores) {
      const values = this.#memory.get(store) ?? new Map();
      for (const [key, value] of values) if (value.account === account) values.delete(key);
    }
  }

  /** Delete the oldest messages above the limit. @param {string} account */
  async trim(account) {
    const range = rangeOf([account]);
    await this.#change(['messages'], (objects) => {
      const store = objects('messages');
      const count = store.count(range);
      count.onsuccess = () => deleteOldest(store, range, count.result - MESSAGES_KEPT);
    });
  }

  /**
   * @template T
   * @param {string} store
   * @param {(objects: IDBObjectStore) => IDBRequest<T> | Promise<T>} read
   * @returns {Promise<T | undefined>} undefined: not found, or no IndexedDB
   */
  async #read(store, read) {
    if (!this.#idb) return undefined;
    try {
      const objects = this.#idb.transaction(store).objectStore(store);
      const request = read(objects);
      return await (request instanceof IDBRequest ? resultOf(request) : request);
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  /**
   * @param {string[]} stores
   * @param {(objects: (store: string) => IDBObjectStore) => unknown} change
   * @returns {Promise<boolean>} false: keep it in memory
   */
  async #change(stores, change) {
    if (!this.#idb) return false;
    try {
      const transaction = this.#idb.transaction(stores, 'readwrite');
      change((store) => transaction.objectStore(store));
      await endOf(transaction);
      return true;
    } catch (error) {
      this.#fail(error);
      return false;
    }
  }

  /** @param {string} account @param {string} store @param {any} value */
  #remember(account, store, value) {
    const values = this.#memory.get(store) ?? new Map();
    values.set(keyText(store, { ...value, account }), { ...value, account });
    if (store !== 'messages' || values.size <= MESSAGES_IN_MEMORY) return;
    values.delete(values.keys().next().value);
  }

  /** It is in IndexedDB now, or nowhere. @param {string} account @param {Change} change */
  #forget(account, change) {
    const values = this.#memory.get(change.store);
    if (change.type === 'delete') values?.delete(JSON.stringify([account, change.key]));
    else values?.delete(keyText(change.store, { ...change.value, account }));
  }

  /** @param {unknown} error */
  #fail(error) {
    if (this.lasting) this.#onTrouble(error);
    this.lasting = false;
  }
}

/** @param {string} store @param {any} value */
function keyText(store, value) {
  const parts = KEYS[store].map((part) => value[part]);
  return JSON.stringify(parts.length === 1 ? parts[0] : parts);
}

/** All keys that begin with these parts. @param {string[]} parts */
const rangeOf = (parts) => IDBKeyRange.bound(parts, [...parts, []]);

/** @returns {Promise<IDBDatabase>} */
function openIdb() {
  const request = indexedDB.open(NAME, VERSION);
  request.onupgradeneeded = () => {
    for (const [store, keys] of Object.entries(KEYS)) {
      const keyPath = keys.length === 1 ? keys[0] : keys;
      const objects = request.result.createObjectStore(store, { keyPath });
      if (store === 'messages') objects.createIndex('seq', ['account', 'seq']);
    }
  };
  return resultOf(request);
}

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
function resultOf(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** @param {IDBTransaction} transaction @returns {Promise<void>} */
function endOf(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onerror = () => reject(transaction.error);
    transaction.onabort = () => reject(transaction.error);
  });
}

/**
 * The values with the highest keys, the highest first.
 * @param {IDBObjectStore | IDBIndex} source
 * @param {IDBKeyRange} range
 * @param {number} limit
 * @returns {Promise<any[]>}
 */
function newest(source, range, limit) {
  return new Promise((resolve, reject) => {
    /** @type {any[]} */
    const values = [];
    const request = source.openCursor(range, 'prev');
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const cursor = request.result;
      if (cursor && values.length < limit) {
        values.push(cursor.value);
        cursor.continue();
      } else resolve(values);
    };
  });
}

/** @param {IDBObjectStore} store @param {IDBKeyRange} range @param {number} count */
function deleteOldest(store, range, count) {
  if (count <= 0) return;
  const request = store.index('seq').openCursor(range);
  let left = count;
  request.onsuccess = () => {
    const cursor = request.result;
    if (!cursor || left <= 0) return;
    cursor.delete();
    left -= 1;
    cursor.continue();
  };
}
