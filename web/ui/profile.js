/** The own account: settings, devices, name and password, the end. */

import { MSG } from '../core/numbers.js';
import { plainName } from '../core/rich_text.js';
import { LANGUAGES, currentLanguage, text } from '../text/texts.js';
import { deletionForm, passwordForm, renameForm } from './account_forms.js';
import { makeDeviceList } from './device_list.js';
import { confirmAction, field, foldedPart, openDialog } from './dialog.js';
import { make } from './dom.js';
import { attempt } from './feedback.js';
import { notificationState, askForNotifications } from './notifications.js';

/** @typedef {import('./chat_view.js').ChatView} ChatView */
/** @typedef {import('./chat_view.js').ChatActions} ChatActions */

/** @param {ChatView} view @param {ChatActions} actions */
export function openProfile(view, actions) {
  const { account } = view.client;
  const devices = makeDeviceList(view);
  const name = make('bdi', {}, make('strong', {}, plainName(account.name)));
  const { dialog } = openDialog(
    text('profile'),
    make('p', {}, name, ' ', make('span', { class: 'hint' }, text('number', { n: account.id }))),
    settings(view, actions),
    make('section', { class: 'part' }, make('h3', {}, text('devices')), devices.element),
    make(
      'section',
      { class: 'part' },
      make('h3', {}, text('account')),
      foldedPart(text('rename'), renameForm(view)),
      foldedPart(text('changePassword'), passwordForm(view)),
      foldedPart(
        text('deleteAccount'),
        deletionForm(view, () => ended()),
      ),
    ),
    buttons(view, actions, () => dialog.close()),
  );
  const ended = () => {
    dialog.close();
    actions.signOut();
  };
  const stop = view.watch((parts) => parts.has('devices') && devices.load());
  dialog.addEventListener('close', stop);
  devices.load();
}

/** @param {ChatView} view @param {ChatActions} actions */
function settings(view, actions) {
  const { client } = view;
  const receipts = make('input', { type: 'checkbox', checked: client.account.receipts });
  receipts.addEventListener('change', async () => {
    await attempt(async () => {
      const answer = await client.ask(MSG.SETTINGS, { receipts: receipts.checked });
      client.account.receipts = answer.receipts;
    });
    receipts.checked = client.account.receipts;
  });
  const language = choice(LANGUAGES, currentLanguage(), actions.setLanguage);
  const themes = {
    system: text('coloursSystem'),
    light: text('coloursLight'),
    dark: text('coloursDark'),
  };
  const colours = choice(themes, actions.theme(), actions.setTheme);
  return make(
    'div',
    { class: 'form' },
    make('label', { class: 'check' }, receipts, text('receipts')),
    notificationLine(),
    make(
      'div',
      { class: 'columns' },
      field(text('language'), language),
      field(text('colours'), colours),
    ),
  );
}

/**
 * @param {Record<string, string>} options
 * @param {string} value
 * @param {(value: string) => unknown} choose
 */
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
  const line = make('label', { class: 'check' }, input, text('notifyOn'));
  input.addEventListener('change', async () => {
    input.checked = await askForNotifications(input.checked);
    if (notificationState() === 'denied') line.replaceWith(notificationLine());
  });
  return line;
}

/** @param {ChatView} view @param {ChatActions} actions @param {() => unknown} close */
function buttons(view, actions, close) {
  const button = (/** @type {string} */ label, /** @type {() => unknown} */ act) =>
    make('button', { type: 'button', onclick: act }, label);
  const signOut = async () => {
    const { size } = view.client.account.outbox;
    const action = `${text('signOut')}. ${text('signOutHint')}`;
    if (size && !(await confirmAction(action))) return;
    close();
    actions.signOut();
  };
  const other = () => {
    close();
    actions.otherAccount();
  };
  return make(
    'div',
    { class: 'buttons' },
    button(text('switchAccount'), other),
    button(text('signOut'), signOut),
  );
}
