/** Who is writing in a conversation, as a text. */

import { plainName } from '../core/rich_text.js';
import { text } from '../text/texts.js';

/**
 * @param {import('../core/account.js').Account} account
 * @param {import('../core/types.js').Key} key
 * @returns {string} empty: no one is
 */
export function typingText(account, key) {
  const ids = account.typing.of(key, performance.now());
  if (!ids.length) return '';
  const names = ids.map((id) => plainName(account.roster.nameOf(id)) || text('number', { n: id }));
  return text(ids.length > 1 ? 'typingMany' : 'typing', { names: names.join(', ') });
}
