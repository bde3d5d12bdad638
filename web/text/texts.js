/** Texts in the language of the user. */

import { chinese } from './chinese.js';
import { english } from './english.js';

/** @typedef {keyof typeof english} TextKey */

/** @type {Record<string, Record<string, any>>} */
const CATALOGS = { en: english, zh: chinese };

export const LANGUAGES = Object.freeze({ en: 'English', zh: '中文' });

let language = 'en';

/** The language that fits the browser best. @param {readonly string[]} wanted */
export const bestLanguage = (wanted) =>
  wanted.map((tag) => tag.slice(0, 2)).find((tag) => tag in CATALOGS) ?? 'en';

/** @param {string} tag `en` or `zh` */
export function setLanguage(tag) {
  language = tag in CATALOGS ? tag : 'en';
}

export const currentLanguage = () => language;

/**
 * A text. `{…}` in it is replaced by the values.
 * @param {TextKey} key
 * @param {Record<string, string | number>} [values] `n` chooses between one and other
 * @returns {string}
 */
export function text(key, values = {}) {
  const found = CATALOGS[language][key];
  const form =
    typeof found === 'string'
      ? found
      : (found[new Intl.PluralRules(language).select(Number(values.n))] ?? found.other);
  return form.replace(/\{(\w+)\}/g, (/** @type {string} */ whole, /** @type {string} */ name) =>
    name in values ? String(values[name]) : whole,
  );
}

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/** @param {Intl.DateTimeFormatOptions} options */
function format(options) {
  const name = language + JSON.stringify(options);
  let made = formats.get(name);
  if (!made) formats.set(name, (made = new Intl.DateTimeFormat(language, options)));
  return made;
}

/** @param {number} time */
export const clockOf = (time) =>
  time ? format({ hour: '2-digit', minute: '2-digit' }).format(time) : '';

/** @param {number} time */
export const fullTimeOf = (time) =>
  time ? format({ dateStyle: 'full', timeStyle: 'medium' }).format(time) : '';

/** Today, yesterday, or the date. @param {number} time */
export function dayOf(time) {
  const days = daysAgo(time);
  if (days === 0) return text('today');
  if (days === 1) return text('yesterday');
  const isThisYear = new Date(time).getFullYear() === new Date().getFullYear();
  const year = isThisYear ? undefined : /** @type {const} */ ('numeric');
  return format({ weekday: 'long', day: 'numeric', month: 'long', year }).format(time);
}

/** Short, for the list: the time today, else the date. @param {number} time */
export function shortTimeOf(time) {
  if (!time) return '';
  return daysAgo(time) === 0
    ? clockOf(time)
    : format({ day: 'numeric', month: 'short' }).format(time);
}

/** @param {number} time */
function daysAgo(time) {
  const midnight = (/** @type {Date} */ date) =>
    new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
  return Math.round((midnight(new Date()) - midnight(new Date(time))) / 86_400_000);
}
