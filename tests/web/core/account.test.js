import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Account } from '../../../web/core/account.js';
import { chatFrame, draft, loginAnswer } from './samples.js';

/** @param {any} [answer] */
function loggedIn(answer = {}) {
  const account = new Account(1, 'zhang san');
  account.loggedIn(loginAnswer(answer));
  account.takeChanges();
  account.takeTouched();
  return account;
}

const puts = (account, store) =>
  account.takeChanges().filter((one) => one.type === 'put' && one.store === store);

test('a message is counted, shown, saved, and then acknowledged', () => {
  const account = loggedIn();
  account.take(chatFrame(11));
  assert.equal(account.conversations.get('u2')?.unread, 1);
  assert.equal(account.conversations.get('u2')?.last?.text, 'text 11');
  assert.deepEqual([...account.takeTouched()].sort(), ['list', 'u2']);
  const changes = account.takeChanges();
  assert.deepEqual(account.takeAcknowledgements(), []);
  account.written(changes);
  assert.deepEqual(account.takeAcknowledgements(), [11]);
  assert.deepEqual(
    account.takeArrived().map((one) => one.seq),
    [11],
  );
});

test('the list of the login has counted its waiting messages already', () => {
  const last = { seq: 10, id: 2, name: 'li si', msg: 'text 10', time: '' };
  const conversations = [{ with: 2, name: 'li si', last, read: 8, unread: 2 }];
  const account = loggedIn({ conversations, offlinemsg: [chatFrame(9), chatFrame(10)] });
  assert.equal(account.conversations.get('u2')?.unread, 2);
  account.take(chatFrame(11));
  assert.equal(account.conversations.get('u2')?.unread, 3);
});

test('an own message of another device is no unread message', () => {
  const account = loggedIn();
  account.take(chatFrame(11, { id: 1, toid: 2, name: 'zhang san' }));
  assert.equal(account.conversations.get('u2')?.unread, 0);
  assert.equal(account.conversations.get('u2')?.last?.from, 1);
  assert.deepEqual(account.takeArrived(), []);
});

test('a message that is sent: saved in the outbox, then in the timeline once', () => {
  const account = loggedIn();
  account.timeline('u2').addPage([], false);
  account.write(draft('a', 'u2', 'hello'));
  assert.equal(puts(account, 'outbox').length, 1);
  account.outbox.take(0);
  account.take({ msgid: 20, errno: 0, mid: 'a', seq: 11, time: '2026-11-27 08:00:00' });
  assert.deepEqual(
    account.timeline('u2').messages.map((one) => one.text),
    ['hello'],
  );
  assert.ok(account.takeChanges().some((one) => one.type === 'delete' && one.key === 'a'));
  account.take({ msgid: 20, errno: 0, mid: 'a', seq: 11, time: '2026-11-27 08:00:00' });
  assert.equal(account.timeline('u2').messages.length, 1);
});

test('a copy of an unanswered message is shown once, when the answer comes', () => {
  const account = loggedIn();
  account.timeline('u2').addPage([], false);
  account.write(draft('a', 'u2', 'hello'));
  account.outbox.take(0);
  account.take(chatFrame(11, { id: 1, toid: 2, msg: 'hello' }));
  assert.equal(account.timeline('u2').messages.length, 0);
  account.take({ msgid: 20, errno: 0, mid: 'a', seq: 11, time: '' });
  assert.equal(account.timeline('u2').messages.length, 1);
});

test('a copy of an equal message of another device is shown, too', () => {
  const account = loggedIn();
  account.timeline('u2').addPage([], false);
  account.write(draft('a', 'u2', 'hello'));
  account.outbox.take(0);
  account.take(chatFrame(11, { id: 1, toid: 2, msg: 'hello' }));
  account.take({ msgid: 20, errno: 0, mid: 'a', seq: 12, time: '' });
  assert.deepEqual(
    account.timeline('u2').messages.map((one) => one.seq),
    [11, 12],
  );
});

test('a mark of another own device clears the count', () => {
  const account = loggedIn();
  account.take(chatFrame(11));
  account.take({ msgid: 105, id: 1, with: 2, seq: 11 });
  assert.equal(account.conversations.get('u2')?.unread, 0);
});

test('the mark of the other user shows that a message was read', () => {
  const account = loggedIn();
  account.take(chatFrame(11, { id: 1, toid: 2 }));
  account.take({ msgid: 105, id: 2, with: 2, seq: 11 });
  assert.equal(account.conversations.get('u2')?.otherRead, 11);
});

test('an event changes the group, and is a line', () => {
  const account = loggedIn();
  account.timeline('g3').addPage([], false);
  account.take({ msgid: 113, groupid: 3, event: 'joined', userid: 5, name: 'wang wu', seq: 11 });
  assert.equal(account.roster.groups.get(3)?.size, 3);
  assert.equal(account.timeline('g3').messages[0].event?.type, 'joined');
  account.take({ msgid: 113, groupid: 3, event: 'removed', userid: 1, by: 2, seq: 12 });
  assert.equal(account.roster.groups.has(3), false);
});

test('an event that the login knows does not change the group again', () => {
  const account = loggedIn();
  account.take({ msgid: 113, groupid: 3, event: 'left', userid: 2, name: 'li si', seq: 9 });
  assert.equal(account.roster.groups.get(3)?.size, 2);
});

test('another device adds and removes a friend, and declines a request', () => {
  const account = loggedIn({ friend_requests: [{ id: 7, name: 'dan', time: '' }] });
  const { friends, requests } = account.roster;
  const dan = { msgid: 67, id: 7, name: 'dan', state: 'online' };
  account.take({ ...dan, event: 'waved' });
  assert.deepEqual([friends.has(7), requests.has(7)], [false, true]);
  account.take({ ...dan, event: 'added' });
  assert.deepEqual([friends.get(7)?.online, requests.has(7)], [true, false]);
  account.take({ ...dan, event: 'removed' });
  assert.equal(friends.has(7), false);
  account.take({ ...dan, event: 'asked' });
  assert.equal(requests.has(7), true);
  account.take({ ...dan, event: 'declined' });
  assert.equal(requests.has(7), false);
  account.take({ msgid: 67, event: 'asked' });
  assert.equal(requests.size, 0);
});

test('a typing user is shown until a message comes', () => {
  const account = loggedIn();
  account.take({ msgid: 107, id: 2, with: 2 }, 1000);
  assert.deepEqual(account.typing.of('u2', 2000), [2]);
  account.take(chatFrame(11));
  assert.deepEqual(account.typing.of('u2', 2000), []);
});

test('frames that make no sense, or are unknown, change nothing', () => {
  const account = loggedIn();
  for (const frame of [
    {},
    { msgid: 6 },
    { msgid: 6, id: '2', msg: 'x' },
    { msgid: 999 },
    { msgid: 10, id: 2, msg: 5 },
  ]) {
    account.take(frame);
  }
  assert.deepEqual(account.takeChanges(), []);
  assert.equal(account.takeTouched().size, 0);
});

test('the outbox survives a reload and a new login', () => {
  const account = new Account(1, 'zhang san', { outbox: [draft('a')] });
  account.loggedIn(loginAnswer());
  assert.deepEqual(
    account.outbox.take(0).map((one) => one.mid),
    ['a'],
  );
});

test('who accepts a request to be a friend is in the list at once', () => {
  const account = loggedIn();
  account.take({ msgid: 67, event: 'accepted', id: 9, name: 'wang wu', state: 'online' });
  assert.equal(account.conversations.get('u9')?.name, 'wang wu');
  assert.ok(account.takeTouched().has('list'));
});

test('friends, groups and unsent messages are in the list, behind those with messages', () => {
  const last = { seq: 9, id: 5, name: 'wang wu', msg: 'hi', time: '' };
  const account = new Account(1, 'zhang san', { outbox: [draft('a', 'u7')] });
  account.loggedIn(loginAnswer({ conversations: [{ with: 5, name: 'wang wu', last }] }));
  const keys = account.conversations.list.map((one) => one.key);
  assert.equal(keys[0], 'u5');
  assert.deepEqual(keys.slice(1).sort(), ['g3', 'u2', 'u7']);
});
