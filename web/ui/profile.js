/** The own account: name, password, receipts, devices, language, colours, notifications, the end. */

import { MSG } from '../core/numbers.js';
import { plainName } from '../core/rich_text.js';
import { LANGUAGES, currentLanguage, text } from '../text/texts.js';
import { confirmAction, field, makeForm, openDialog } from './dialog.js';
import { fill, make } from './dom.js';
import { attempt, toast } from './feedback.js';
import { notificationState, askForNotifications } from './notifications.js';

/** @typedef {import('./chat_view.js').ChatView} ChatView */
/** @typedef {import('./chat_view.js').ChatActions} ChatActions */

/** @param {ChatView} view @param {ChatActions} actions */
export function openProfile(view, actions) {
  const devices = make('ul', { class: 'devices' });
  const { dialog } = openDialog(
    text('profile'),
    make('p', { class: 'hint' }, text('number', { n: view.client.account.id })),
    settings(view, actions),
    make('h3', {}, text('devices')),
    devices,
    renameForm(view),
    passwordForm(view),
    buttons(view, actions, () => dialog.close()),
  );
  const draw = () => attempt(() => showDevices(view, devices));
  const stop = view.watch((parts) => parts.has('devices') && draw());
  dialog.addEventListener('close', stop);
  draw();
}

/** @param {ChatView} view @param {ChatActions} actions */
function settings(view, actions) {
  const { client } = view;
  const receipts = make('input', { type: 'checkbox', checked: client.account.receipts });
  receipts.addEventListener('change', () =>
    attempt(async () => {
      const answer = await client.ask(MSG.SETTINGS, { receipts: receipts.checked });
      client.account.receipts = answer.receipts;
    }),
  );
  const language = choice(LANGUAGES, currentLanguage(), actions.setLanguage);
  const themes = {
    system: text('coloursSystem'),
    light: text('coloursLight'),
    dark: text('coloursDark'),
  };
  return make(
    'div',
    { class: 'form' },
    make('label', { class: 'check' }, receipts, text('receipts')),
    notificationLine(),
    field(text('language'), language),
    field(text('colours'), choice(themes, actions.theme(), actions.setTheme)),
  );
}

/** @param {Record<string, string>} options @param {string} value @param {(value: string) => unknown} choose */
function choice(options, value, choose) {
  const option = (/** @type {[string, string]} */ [name, label]) =>
    make('option', { value: name, selected: name === value }, label);
  const select = make('select', {}, ...Object.entries(options).map(option));
  select.addEventListener('change', () => choose(select.value));
  return select;
}

function notificationLine() {
  const state = notificationState();
  if (state === 'impossible') return make('p', { class: 'hint' }, text('insecure'));
  if (state === 'denied') return make('p', { class: 'hint' }, text('notifyDenied'));
  const input = make('input', { type: 'checkbox', checked: state === 'on' });
  input.addEventListener('change', async () => {
    input.checked = await askForNotifications(input.checked);
  });
  return make('label', { class: 'check' }, input, text('notifyOn'));
}

/** @param {ChatView} view @param {Element} place */
async function showDevices(view, place) {
  const { devices } = await view.client.ask(MSG.DEVICES);
  const items = devices.map((/** @type {import('../core/types.js').Frame} */ device) => {
    const end = async () => {
      if (!(await confirmAction(text('endDevice')))) return;
      const isDone = await attempt(() =>
        view.client.ask(MSG.END_DEVICE, { deviceid: device.deviceid }),
      );
      if (isDone && !device.this) attempt(() => showDevices(view, place));
    };
    const name = device.label || text('number', { n: device.deviceid });
    const note = device.this ? text('thisDevice') : device.online ? text('isOnline') : '';
    return make(
      'li',
      {},
      make('bdi', {}, plainName(name)),
      make('span', { class: 'role' }, note),
      make('span', { class: 'hint' }, text('lastUse', { time: device.last ?? '' })),
      make('button', { type: 'button', onclick: end }, text('endDevice')),
    );
  });
  fill(place, ...items);
}

/** @param {ChatView} view */
function renameForm(view) {
  const name = make('input', { value: view.client.account.name, required: true, maxLength: 50 });
  return makeForm([field(text('name'), name)], text('rename'), () =>
    attempt(async () => {
      const answer = await view.client.ask(MSG.RENAME, { name: name.value.trim() });
      view.client.account.name = answer.name;
      view.client.saved.name = answer.name;
      toast(text('changed'));
    }),
  );
}

/** @param {ChatView} view */
function passwordForm(view) {
  const type = 'password';
  const old = make('input', { type, autocomplete: 'current-password', required: true });
  const fresh = make('input', { type, autocomplete: 'new-password', required: true });
  const fields = [field(text('oldPassword'), old), field(text('newPassword'), fresh)];
  return makeForm(fields, text('changePassword'), () =>
    attempt(async () => {
      await view.client.ask(MSG.CHANGE_PASSWORD, { old: old.value, new: fresh.value });
      old.value = fresh.value = '';
      toast(text('changed'));
    }),
  );
}

/** @param {ChatView} view @param {ChatActions} actions @param {() => unknown} close */
function buttons(view, actions, close) {
  const button = (/** @type {string} */ label, /** @type {() => unknown} */ act, style = '') =>
    make('button', { type: 'button', class: style, onclick: act }, label);
  const signOut = async () => {
    const { size } = view.client.account.outbox;
    if (size && !(await confirmAction(`${text('signOut')}. ${text('signOutHint')}`))) return;
    close();
    actions.signOut();
  };
  const other = () => {
    close();
    actions.otherAccount();
  };
  const deletion = () => {
    close();
    openDeletion(view, actions);
  };
  return make(
    'div',
    { class: 'buttons' },
    button(text('switchAccount'), other),
    button(text('signOut'), signOut),
    button(text('deleteAccount'), deletion, 'danger'),
  );
}

/** @param {ChatView} view @param {ChatActions} actions */
function openDeletion(view, actions) {
  const password = make('input', { type: 'password', autocomplete: 'current-password', required: true });
  const form = makeForm([field(text('password'), password)], text('deleteAccount'), () =>
    attempt(async () => {
      await view.client.ask(MSG.DELETE_ACCOUNT, { password: password.value });
      dialog.close();
      actions.signOut();
    }),
  );
  const { dialog } = openDialog(text('deleteAccount'), form);
}
