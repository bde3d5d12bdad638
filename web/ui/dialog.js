/** Dialogs: the browser's own, which keep the focus inside and close with Escape. */

import { text } from '../text/texts.js';
import { fill, iconButton, make } from './dom.js';
import { errorText, keepToasts } from './feedback.js';

/** @typedef {import('./dom.js').Child} Child */

/**
 * Open a dialog with a title and a button to close it. It is removed when it closes.
 * @param {string} title
 * @param {...Child} content
 */
export function openDialog(title, ...content) {
  const before = document.activeElement;
  const id = `dialog-${title.length}-${document.querySelectorAll('dialog').length}`;
  const close = iconButton('close', text('close'), () => dialog.close());
  const head = make('header', { class: 'dialog-head' }, make('h2', { id }, title), close);
  const body = make('div', { class: 'dialog-body' }, ...content);
  const dialog = make('dialog', { 'aria-labelledby': id }, head, body);
  dialog.addEventListener('close', () => {
    keepToasts();
    dialog.remove();
    if (before instanceof HTMLElement) before.focus();
  });
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close(); // the backdrop
  });
  document.body.append(dialog);
  dialog.showModal();
  return { dialog, body };
}

/**
 * Ask before something that cannot be taken back.
 * @param {string} action
 * @returns {Promise<boolean>}
 */
export function confirmAction(action) {
  return new Promise((resolve) => {
    const answer = (/** @type {boolean} */ value) => () => {
      resolve(value);
      dialog.close();
    };
    const yes = make('button', { type: 'button', class: 'danger', onclick: answer(true) }, action);
    const no = make('button', { type: 'button', onclick: answer(false) }, text('cancel'));
    const buttons = make('div', { class: 'buttons' }, no, yes);
    const { dialog } = openDialog(text('sure'), buttons);
    dialog.addEventListener('close', () => resolve(false));
  });
}

/**
 * A line of a form: a label and its field.
 * @param {string} label
 * @param {HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement} input
 */
export const field = (label, input) =>
  make('label', { class: 'field' }, make('span', {}, label), input);

/**
 * A part of a dialog that is folded behind its title.
 * @param {string} title
 * @param {...Child} content
 */
export const foldedPart = (title, ...content) =>
  make('details', { class: 'folded' }, make('summary', {}, title), ...content);

/**
 * A form that calls `submit`; its button waits meanwhile. It shows the error of a request.
 * @param {Child[]} fields
 * @param {string} action the text of the button
 * @param {() => Promise<unknown>} submit
 */
export function makeForm(fields, action, submit) {
  const button = make('button', { type: 'submit', class: 'primary' }, action);
  const error = make('p', { class: 'error', role: 'alert' });
  const onsubmit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    button.disabled = true;
    fill(error);
    try {
      await submit();
    } catch (thrown) {
      fill(error, errorText(thrown));
    } finally {
      button.disabled = false;
    }
  };
  return make('form', { class: 'form', onsubmit }, ...fields, error, button);
}
