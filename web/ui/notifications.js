/** Desktop notifications, the count in the title and in the icon of the tab. */

import { isGroup } from '../core/keys.js';
import { plainName } from '../core/rich_text.js';
import { addressOf } from '../io/page_version.js';
import { text } from '../text/texts.js';

/** @typedef {import('../core/types.js').Message} Message */
/** @typedef {import('../core/account.js').Account} Account */

const SETTING = 'chat-notifications';

/** @returns {'impossible' | 'denied' | 'on' | 'off'} */
export function notificationState() {
  if (!('Notification' in globalThis) || !isSecureContext) return 'impossible';
  if (Notification.permission === 'denied') return 'denied';
  const isWanted = localStorage.getItem(SETTING) === 'on';
  return isWanted && Notification.permission === 'granted' ? 'on' : 'off';
}

/** The user wants notifications, or does not. Returns whether they are on. @param {boolean} on */
export async function askForNotifications(on) {
  localStorage.setItem(SETTING, on ? 'on' : 'off');
  if (on && Notification.permission === 'default') await Notification.requestPermission();
  return notificationState() === 'on';
}

/**
 * Notify of a message. Tabs that get the same message make one notification of it.
 * @param {Message} message
 * @param {Account} account
 * @param {() => unknown} open
 */
export function notify(message, account, open) {
  if (notificationState() !== 'on') return;
  const sender = plainName(message.name);
  const title = isGroup(message.key) ? `${sender} · ${plainName(account.titleOf(message.key))}` : sender;
  const body = message.text.slice(0, 200);
  const notification = new Notification(title, { body, tag: `${account.id} ${message.seq}` });
  notification.onclick = () => {
    focus();
    open();
    notification.close();
  };
}

/** Show the number of unread messages. @param {number} unread */
export function showCount(unread) {
  document.title = unread ? `(${unread}) ${text('app')}` : text('app');
  const link = document.querySelector('link[rel="icon"]');
  link?.setAttribute('href', addressOf(unread ? 'icons/icon-unread.svg' : 'icons/icon.svg'));
  if ('setAppBadge' in navigator) navigator.setAppBadge(unread).catch(() => {});
}
