/** The text of an event of a group. */

import { plainName } from '../core/rich_text.js';
import { text } from './texts.js';

/** @typedef {import('../core/types.js').GroupEvent} GroupEvent */

/** @type {Record<string, import('./texts.js').TextKey>} */
const TEXTS = {
  created: 'eventCreated',
  joined: 'eventJoined',
  left: 'eventLeft',
  removed: 'eventRemoved',
  banned: 'eventBanned',
  role: 'eventRole',
  renamed: 'eventRenamed',
  changed: 'eventChanged',
  dissolved: 'eventDissolved',
};

/** @type {Record<string, import('./texts.js').TextKey>} */
const ROLES = { creator: 'roleCreator', admin: 'roleAdmin', normal: 'roleNormal' };

/** @param {string | undefined} role */
export const roleText = (role) => text(ROLES[role ?? 'normal'] ?? 'roleNormal');

/** @param {GroupEvent} event @returns {string} */
export function eventText(event) {
  const key = event.type === 'banned' && event.reason ? 'eventBannedFor' : TEXTS[event.type];
  if (!key) return '';
  return text(key, {
    name: plainName(event.name ?? ''),
    by: event.by ? plainName(event.byName ?? '') : text('operator'),
    group: plainName(event.groupName ?? ''),
    role: roleText(event.role),
    reason: event.reason ?? '',
  });
}
