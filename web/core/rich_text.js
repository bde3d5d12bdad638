/**
 * Rich text: cuts the text of a message into pieces for the page. Pure.
 *
 * The pieces become text nodes and links, never markup. Only http and https make a link.
 */

/**
 * @typedef {object} Piece
 * @property {string} text
 * @property {string} [href]  It is a link.
 * @property {boolean} [isMarked]  A search has found it.
 */

const LINK = /\bhttps?:\/\/[^\s<>"'`{}|\\^\p{Cc}\p{Cf}]+/giu;

/** Punctuation at the end of an address belongs to the sentence. */
const TAIL = /[.,:;!?'"*_~。，：；！？、）】》」』]+$/u;

/** @param {string} text @returns {Piece[]} */
export function piecesOf(text) {
  /** @type {Piece[]} */
  const pieces = [];
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    const address = trimAddress(match[0]);
    const href = hrefOf(address);
    if (!href) continue;
    if (match.index > end) pieces.push({ text: text.slice(end, match.index) });
    pieces.push({ text: address, href });
    end = match.index + address.length;
  }
  if (end < text.length) pieces.push({ text: text.slice(end) });
  return pieces;
}

/**
 * The pieces of a text with the marks of a search.
 * @param {string} text
 * @param {[number, number][]} marks from and to, in code points
 * @returns {Piece[]}
 */
export function markedPieces(text, marks) {
  const points = [...text];
  /** @type {Piece[]} */
  const pieces = [];
  let end = 0;
  for (const [from, to] of marks) {
    if (from < end || to > points.length || from >= to) continue;
    if (from > end) pieces.push({ text: points.slice(end, from).join('') });
    pieces.push({ text: points.slice(from, to).join(''), isMarked: true });
    end = to;
  }
  if (end < points.length) pieces.push({ text: points.slice(end).join('') });
  return pieces;
}

/** Without the punctuation of the sentence, and a bracket that was opened before the address.
 * @param {string} address */
function trimAddress(address) {
  let trimmed = address.replace(TAIL, '');
  while (trimmed.endsWith(')') && count(trimmed, ')') > count(trimmed, '(')) {
    trimmed = trimmed.slice(0, -1).replace(TAIL, '');
  }
  return trimmed;
}

/** @param {string} text @param {string} character */
const count = (text, character) => text.split(character).length - 1;

/** @param {string} address @returns {string | null} */
function hrefOf(address) {
  try {
    const url = new URL(address);
    return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : null;
  } catch {
    return null;
  }
}

/**
 * Characters that hide or reorder text, made visible in names. In messages they stay, because each
 * message is isolated by CSS (`unicode-bidi: isolate`).
 * @param {string} name
 */
export function plainName(name) {
  return name.replace(
    /[\p{Cc}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu,
    '\ufffd',
  );
}
