/** The forms of the own account: name, password, deletion. */

import { MSG } from '../core/numbers.js';
import { text } from '../text/texts.js';
import { field, makeForm } from './dialog.js';
import { make } from './dom.js';
import { toast } from './feedback.js';

/** @typedef {import('./chat_view.js').ChatView} ChatView */

/** @param {ChatView} view */
export function renameForm(view) {
  const { account, saved } = view.client;
  const properties = { required: true, maxLength: 50, autocomplete: 'off' };
  const name = make('input', { value: account.name, ...properties });
  return makeForm([field(text('name'), name)], text('save'), async () => {
    const answer = await view.client.ask(MSG.RENAME, { name: name.value.trim() });
    account.name = answer.name;
    saved.name = answer.name;
    view.nameChanged();
    toast(text('changed'));
  });
}

/** @param {ChatView} view */
export function passwordForm(view) {
  const old = passwordInput('current-password');
  const fresh = passwordInput('new-password');
  const fields = [field(text('oldPassword'), old), field(text('newPassword'), fresh)];
  return makeForm(fields, text('save'), async () => {
    await view.client.ask(MSG.CHANGE_PASSWORD, { old: old.value, new: fresh.value });
    old.value = fresh.value = '';
    toast(text('changed'));
  });
}

/** @param {ChatView} view @param {() => unknown} done */
export function deletionForm(view, done) {
  const password = passwordInput('current-password');
  const fields = [make('p', {}, text('deleteHint')), field(text('password'), password)];
  return makeForm(fields, text('deleteAccount'), async () => {
    await view.client.ask(MSG.DELETE_ACCOUNT, { password: password.value });
    done();
  });
}

/** @param {AutoFill} autocomplete */
const passwordInput = (autocomplete) =>
  make('input', { type: 'password', autocomplete, required: true, maxLength: 128 });
