/** The details of a conversation: a person, or a group with its members. */

import { groupKey, idOf, isGroup, place, userKey } from '../core/keys.js';
import { MSG } from '../core/numbers.js';
import { plainName } from '../core/rich_text.js';
import { roleText } from '../text/event_text.js';
import { text } from '../text/texts.js';
import { joinFields } from './add_dialogs.js';
import { confirmAction, field, foldedPart, makeForm, openDialog } from './dialog.js';
import { fill, make } from './dom.js';
import { attempt, toast } from './feedback.js';

/** @typedef {import('../core/types.js').Group} Group */
/** @typedef {import('../core/types.js').Key} Key */
/** @typedef {import('../core/types.js').Person} Person */
/** @typedef {import('./chat_view.js').ChatView} ChatView */

/** @param {ChatView} view @param {Key} key */
export function openDetails(view, key) {
  const { dialog, body } = openDialog(plainName(view.client.account.titleOf(key)));
  const draw = () => {
    const parts = isGroup(key) ? groupParts(view, idOf(key)) : personParts(view, idOf(key));
    fill(body, muteButton(view, key), ...parts);
  };
  const stop = view.watch((parts) => {
    if ((parts.has('people') || parts.has('list')) && !body.contains(document.activeElement))
      draw();
  });
  dialog.addEventListener('close', stop);
  dialog.addEventListener('changed', draw);
  draw();
}

/** Draw the dialog again after a change by the user. @param {Element} inside */
const changed = (inside) => inside.closest('dialog')?.dispatchEvent(new Event('changed'));

/**
 * A button that sends a request, takes its effect, and draws the dialog again.
 * @param {string} label
 * @param {() => Promise<unknown>} act
 * @param {string} [style]
 */
function actionButton(label, act, style = '') {
  const button = make('button', { type: 'button', class: style }, label);
  button.addEventListener('click', async () => {
    if (style === 'danger' && !(await confirmAction(label))) return;
    if (await attempt(act)) changed(button);
  });
  return button;
}

/** @param {ChatView} view @param {Key} key */
function muteButton(view, key) {
  const { client } = view;
  const isMuted = client.account.conversations.get(key)?.muted ?? false;
  return actionButton(text(isMuted ? 'unmute' : 'mute'), async () => {
    await client.ask(MSG.MUTE, { ...place(key), muted: !isMuted });
    client.account.muted(key, !isMuted);
    client.flush();
  });
}

/** @param {ChatView} view @param {number} userId */
function personParts(view, userId) {
  const { client } = view;
  const { roster } = client.account;
  const isFriend = roster.friends.has(userId);
  const change = (/** @type {number} */ msgid, /** @type {any} */ fields) => async () => {
    const answer = await client.ask(msgid, fields);
    if (msgid === MSG.REMOVE_FRIEND) roster.friends.delete(userId);
    if (answer.friend) roster.addFriend(answer.friend);
    if (msgid === MSG.BLOCK)
      toast(text('isBlocked', { name: client.account.titleOf(userKey(userId)) }));
    client.account.touch('people', 'list');
    client.flush();
  };
  const friend = isFriend
    ? actionButton(text('removeFriend'), change(MSG.REMOVE_FRIEND, { friendid: userId }))
    : actionButton(text('addFriend'), change(MSG.ADD_FRIEND, { friendid: userId }));
  return [
    make('p', { class: 'hint' }, text('number', { n: userId })),
    userId !== client.account.id && friend,
    userId !== client.account.id &&
      actionButton(text('block'), change(MSG.BLOCK, { userid: userId }), 'danger'),
    actionButton(text('unblock'), change(MSG.UNBLOCK, { userid: userId })),
  ];
}

/** @param {ChatView} view @param {number} groupId */
function groupParts(view, groupId) {
  const { client } = view;
  const group = client.account.roster.groups.get(groupId);
  if (!group) return [make('p', { class: 'hint' }, text('notMember'))];
  const own = group.members.get(client.account.id)?.role ?? 'normal';
  const isLeader = own === 'creator' || own === 'admin';
  const leave = (/** @type {number} */ msgid) => async () => {
    await client.ask(msgid, { groupid: groupId });
    client.account.leftGroup(groupId);
    client.flush();
  };
  return [
    make('p', { class: 'hint' }, group.description, ' ', text('number', { n: groupId })),
    inviteForm(view, group),
    memberList(view, group, own),
    isLeader && changeForm(view, group),
    actionButton(text('leave'), leave(MSG.LEAVE_GROUP), 'danger'),
    own === 'creator' && actionButton(text('dissolve'), leave(MSG.DISSOLVE_GROUP), 'danger'),
  ];
}

/** @param {ChatView} view @param {Group} group */
function inviteForm(view, group) {
  const name = make('input', { required: true, maxLength: 50, autocomplete: 'off' });
  const form = makeForm([field(text('personName'), name)], text('invite'), async () => {
    const { users } = await view.client.ask(MSG.FIND_USER, { name: name.value.trim() });
    await view.client.ask(MSG.INVITE, { groupid: group.id, userid: users[0].id });
    toast(text('invited', { name: plainName(users[0].name) }));
    name.value = '';
  });
  return foldedPart(text('invitePerson'), form);
}

/** @param {ChatView} view @param {Group} group @param {string} own the role of this user */
function memberList(view, group, own) {
  const people = [...group.members.values()].sort((one, other) =>
    one.name.localeCompare(other.name),
  );
  const items = people.map((person) => memberItem(view, group, person, own));
  const more = async () => {
    const after = Math.max(0, ...group.members.keys());
    const answer = await view.client.ask(MSG.MEMBERS, { groupid: group.id, after });
    view.client.account.roster.addMembers(group.id, answer);
  };
  return make(
    'section',
    {},
    make('h3', {}, text('members', { n: group.size })),
    make('ul', { class: 'members' }, ...items),
    group.more && actionButton(text('moreMembers'), more),
  );
}

/** @param {ChatView} view @param {Group} group @param {Person} person @param {string} own */
function memberItem(view, group, person, own) {
  const { client } = view;
  const ask = (/** @type {number} */ msgid, /** @type {any} */ fields) => async () => {
    await client.ask(msgid, { groupid: group.id, userid: person.id, ...fields });
    if (msgid === MSG.REMOVE_MEMBER) {
      group.members.delete(person.id);
      group.size -= 1;
    } else person.role = fields.role;
    client.account.touch('people', groupKey(group.id));
    client.flush();
  };
  const isOther = person.id !== client.account.id;
  const isBelow = person.role === 'normal' || (own === 'creator' && person.role === 'admin');
  const mayRemove = isOther && isBelow && own !== 'normal';
  const next = person.role === 'admin' ? 'normal' : 'admin';
  const open = () => {
    view.client.account.conversations.open(userKey(person.id), person.name);
    view.open(userKey(person.id));
    document.querySelector('dialog')?.close();
  };
  return make(
    'li',
    {},
    make(
      'button',
      { type: 'button', class: 'link', onclick: open },
      make('bdi', {}, plainName(person.name)),
    ),
    person.role !== 'normal' && make('span', { class: 'role' }, roleText(person.role)),
    own === 'creator' &&
      isOther &&
      actionButton(
        text(next === 'admin' ? 'makeAdmin' : 'makeNormal'),
        ask(MSG.SET_ROLE, { role: next }),
      ),
    mayRemove && actionButton(text('remove'), ask(MSG.REMOVE_MEMBER, {}), 'danger'),
  );
}

/** @param {ChatView} view @param {Group} group */
function changeForm(view, group) {
  const name = make('input', { value: group.name, required: true, maxLength: 50 });
  const description = make('input', { value: group.description, maxLength: 200 });
  const join = joinFields(group.join);
  const fields = [field(text('groupName'), name), field(text('groupDescription'), description)];
  const form = makeForm([...fields, ...join.elements], text('save'), async () => {
    const groupname = name.value.trim();
    const more = { groupdesc: description.value.trim(), ...join.values() };
    await view.client.ask(MSG.CHANGE_GROUP, { groupid: group.id, groupname, ...more });
    group.name = groupname;
    group.description = more.groupdesc;
    group.join = more.join;
    view.client.account.touch('people', 'list', groupKey(group.id));
    view.client.flush();
    toast(text('changed'));
  });
  return foldedPart(text('changeGroup'), form);
}
