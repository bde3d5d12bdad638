/** Dialogs for adding a person, and for creating or joining a group. */

import { groupKey } from '../core/keys.js';
import { MSG } from '../core/numbers.js';
import { text } from '../text/texts.js';
import { field, makeForm, openDialog } from './dialog.js';
import { make } from './dom.js';
import { toast } from './feedback.js';

/** @typedef {import('./chat_view.js').ChatView} ChatView */

/** @param {ChatView} view @param {() => unknown} createGroup */
export function openAddPerson(view, createGroup) {
  const name = make('input', { required: true, maxLength: 50, autocomplete: 'off' });
  const form = makeForm([field(text('personName'), name)], text('add'), async () => {
    const wanted = name.value.trim();
    const answer = await view.addPerson(wanted);
    dialog.close();
    if (answer.pending) toast(text('requested', { name: wanted }));
  });
  const others = make(
    'div',
    { class: 'buttons' },
    make('button', { type: 'button', onclick: () => change(createGroup) }, text('newGroup')),
    make(
      'button',
      { type: 'button', onclick: () => change(() => openJoinGroup(view)) },
      text('joinGroup'),
    ),
  );
  const { dialog } = openDialog(text('addPerson'), form, others);
  const change = (/** @type {() => unknown} */ open) => {
    dialog.close();
    open();
  };
  name.focus();
}

/** The fields of who may join. */
export function joinFields(join = '') {
  const options = [
    ['open', text('joinOpen')],
    ['invite', text('joinInvite')],
    ['password', text('joinPassword')],
  ];
  const select = make(
    'select',
    {},
    ...options.map(([value, label]) => make('option', { value, selected: value === join }, label)),
  );
  const password = make('input', {
    type: 'password',
    autocomplete: 'new-password',
    maxLength: 128,
  });
  const passwordField = field(text('groupPassword'), password);
  const show = () => {
    passwordField.hidden = select.value !== 'password';
  };
  select.addEventListener('change', show);
  show();
  const values = () =>
    select.value === 'password' && password.value
      ? { join: select.value, password: password.value }
      : { join: select.value };
  return { elements: [field(text('groupJoin'), select), passwordField], values };
}

/** @param {ChatView} view */
export function openCreateGroup(view) {
  const name = make('input', { required: true, maxLength: 50, autocomplete: 'off' });
  const description = make('input', { maxLength: 200, autocomplete: 'off' });
  const join = joinFields();
  const fields = [field(text('groupName'), name), field(text('groupDescription'), description)];
  const form = makeForm([...fields, ...join.elements], text('create'), async () => {
    const groupname = name.value.trim();
    const more = { groupdesc: description.value.trim(), ...join.values() };
    const { groupid } = await view.client.ask(MSG.CREATE_GROUP, { groupname, ...more });
    const { account } = view.client;
    if (!account.roster.groups.has(groupid)) {
      const self = { id: account.id, name: account.name, state: 'online', role: 'creator' };
      account.roster.addGroup({ id: groupid, groupname, ...more, users: [self] });
    }
    account.conversations.open(groupKey(groupid), groupname);
    account.touch('list', 'people');
    view.client.flush();
    dialog.close();
    view.open(groupKey(groupid));
  });
  const { dialog } = openDialog(text('newGroup'), form);
  name.focus();
}

/** @param {ChatView} view */
function openJoinGroup(view) {
  const number = make('input', { required: true, inputMode: 'numeric', pattern: '[0-9]+' });
  const password = make('input', { type: 'password', autocomplete: 'off', maxLength: 128 });
  const fields = [field(text('groupNumber'), number), field(text('groupPassword'), password)];
  const form = makeForm(fields, text('join'), async () => {
    await view.joinGroup(Number(number.value), password.value);
    dialog.close();
  });
  const { dialog } = openDialog(text('joinGroup'), form);
  number.focus();
}
