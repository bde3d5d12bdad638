/** Desktop notifications, the count in the title and in the icon of the tab. */

import { isGroup } from '../core/keys.js';
import { plainName } from '../core/rich_text.js';
import { addressOf } from '../io/page_version.js';
import { text } from '../text/texts.js';

/** @typedef {import('../core/types.js').Message} Message */
/** @typedef {import('../core/account.js').Account} Account */

const SETTING = 'chat-notifications';

/** What the user has chosen: `on`, `off`, or null. A browser may forbid to read it. */
function chosen() {
  try {
    return localStorage.getItem(SETTING);
  } catch {
    return null;
  }
}

/** @param {boolean} on */
function choose(on) {
  try {
    localStorage.setItem(SETTING, on ? 'on' : 'off');
  } catch {
    // The choice is lost with the page.
  }
}

/** May the page offer notifications? Only while the user has chosen nothing. */
export const isOfferDue = () => notificationState() === 'off' && chosen() === null;

/** @returns {'impossible' | 'denied' | 'on' | 'off'} */
export function notificationState() {
  if (!('Notification' in globalThis) || !isSecureContext) return 'impossible';
  if (Notification.permission === 'denied') return 'denied';
  const isWanted = chosen() === 'on';
  return isWanted && Notification.permission === 'granted' ? 'on' : 'off';
}

/** The user wants notifications, or does not. Returns whether they are on. @param {boolean} on */
export async function askForNotifications(on) {
  choose(on);
  if (on && Notification.permission === 'default') await Notification.requestPermission();
  return notificationState() === 'on';
}

/**
 * Notify of new messages: one notification for each conversation, with its newest message. After a
 * night without a connection, hundreds may come at once.
 * @param {Message[]} messages
 * @param {Account} account
 * @param {(key: string) => unknown} open
 */
export function notifyOf(messages, account, open) {
  const newest = new Map(messages.map((message) => [message.key, message]));
  for (const message of newest.values()) notify(message, account, () => open(message.key));
}

/**
 * Notify of a message. Tabs that get the same message make one notification of it.
 * @param {Message} message
 * @param {Account} account
 * @param {() => unknown} open
 */
function notify(message, account, open) {
  if (notificationState() !== 'on') return;
  const sender = plainName(message.name);
  const title = isGroup(message.key)
    ? `${sender} · ${plainName(account.titleOf(message.key))}`
    : sender;
  const body = message.text.slice(0, 200);
  const notification = create(title, { body, tag: `${account.id} ${message.seq}` });
  if (!notification) return;
  notification.onclick = () => {
    focus();
    open();
    notification.close();
  };
}

/** @param {string} title @param {NotificationOptions} options */
function create(title, options) {
  try {
    return new Notification(title, options);
  } catch {
    return null; // Android allows them only from a service worker
  }
}

/** Show the number of unread messages. @param {number} unread */
export function showCount(unread) {
  document.title = unread ? `(${unread}) ${text('app')}` : text('app');
  const link = document.querySelector('link[rel="icon"]');
  link?.setAttribute('href', addressOf(unread ? 'icons/icon-unread.svg' : 'icons/icon.svg'));
  if ('setAppBadge' in navigator) navigator.setAppBadge(unread).catch(() => {});
}
