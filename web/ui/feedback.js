/** Short messages for the user: toasts, and the texts of errors. */

import { NOT_NOW } from '../core/numbers.js';
import { LostError, RefusedError } from '../io/socket.js';
import { refusalText } from '../text/refusal_text.js';
import { text } from '../text/texts.js';
import { make } from './dom.js';

/** Milliseconds that a toast stays. */
const SHOWN = 6000;

/** Show a text for some seconds. @param {string} shown */
export function toast(shown) {
  const element = make('div', { class: 'toast' }, shown);
  const toasts = document.getElementById('toasts');
  // An open dialog covers the page, and hides it from screen readers.
  const dialog = [...document.querySelectorAll('dialog')].at(-1);
  if (toasts && dialog && toasts.parentElement !== dialog) dialog.append(toasts);
  toasts?.append(element);
  setTimeout(() => element.remove(), SHOWN);
}

/** A dialog goes away: its toasts stay. */
export function keepToasts() {
  const toasts = document.getElementById('toasts');
  if (toasts) document.body.append(toasts);
}

/** The text for the error of a request. @param {unknown} error */
export function errorText(error) {
  if (error instanceof LostError) return text('lost');
  if (!(error instanceof RefusedError)) throw error;
  if (NOT_NOW.includes(error.errno) && error.retryAfter)
    return text('later', { n: error.retryAfter });
  return refusalText(error.message);
}

/**
 * Carry out a request of the user, and show its error.
 * @param {() => Promise<unknown>} request
 * @returns {Promise<boolean>} whether it has succeeded
 */
export async function attempt(request) {
  try {
    await request();
    return true;
  } catch (error) {
    toast(errorText(error));
    return false;
  }
}
