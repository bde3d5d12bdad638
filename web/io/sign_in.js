/** Signs a user in or registers one, on a connection of its own, and saves the account. */

import { MSG } from '../core/numbers.js';
import { Socket } from './socket.js';

/** @typedef {import('./client.js').SavedAccount} SavedAccount */
/** @typedef {import('../core/types.js').Frame} Frame */

/**
 * Register a user. Rejects with RefusedError or LostError.
 * @param {string} url
 * @param {{name: string, password: string, code?: string}} fields
 */
export function register(url, { name, password, code }) {
  const more = code ? { code } : {};
  return onConnection(url, (socket) =>
    socket.ask({ msgid: MSG.REGISTER, v: 2, name, password, ...more }),
  );
}

/**
 * Log in with the password, and return the account with its token. The connection ends: the
 * client connects with the token. Rejects with RefusedError or LostError.
 * @param {string} url
 * @param {import('./database.js').Database} database
 * @param {{name: string, password: string, device: string, label: string,
 *   endDevice?: number}} fields
 * @returns {Promise<SavedAccount>}
 */
export function signIn(url, database, { name, password, device, label, endDevice }) {
  return onConnection(url, async (socket) => {
    const more = endDevice === undefined ? {} : { end_device: endDevice };
    const fields = { v: 2, devices: true, name, password, device, label, ...more };
    const answer = await socket.ask({ msgid: MSG.LOGIN, ...fields });
    const account = String(answer.service);
    const former = await database.get('accounts', account);
    const saved = {
      account,
      id: answer.id,
      name: answer.name,
      token: answer.token,
      epoch: former?.epoch ?? answer.epoch,
      deviceIds: former?.deviceIds ?? {},
    };
    await database.put('accounts', saved);
    return saved;
  });
}

/**
 * @template T
 * @param {string} url
 * @param {(socket: Socket) => Promise<T>} use
 * @returns {Promise<T>}
 */
async function onConnection(url, use) {
  const socket = new Socket(
    url,
    () => {},
    () => {},
  );
  try {
    await socket.opened;
    return await use(socket);
  } finally {
    socket.close();
  }
}
