import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Inbox } from '../../../web/core/inbox.js';
import { message } from './samples.js';

test('shows each message once, and acknowledges a repetition at once', () => {
  const inbox = new Inbox();
  assert.equal(inbox.put(message(5)), true);
  assert.equal(inbox.put(message(5)), false);
  assert.deepEqual(inbox.takeAcknowledgements(), [5]);
});

test('acknowledges a new message only when it is saved', () => {
  const inbox = new Inbox();
  inbox.put(message(5));
  assert.deepEqual(inbox.takeAcknowledgements(), []);
  inbox.saved([5]);
  assert.deepEqual(inbox.takeAcknowledgements(), [5]);
  assert.deepEqual(inbox.takeAcknowledgements(), []);
});

test('does not show again what an earlier page has shown', () => {
  const inbox = new Inbox([5]);
  assert.equal(inbox.put(message(5)), false);
});

test('a message without seq is shown, and never acknowledged', () => {
  const inbox = new Inbox();
  assert.equal(inbox.put(message(0)), true);
  inbox.saved([0]);
  assert.deepEqual(inbox.takeAcknowledgements(), []);
});

test('remembers the last 1,000', () => {
  const inbox = new Inbox();
  for (let seq = 1; seq <= 1500; seq += 1) inbox.put(message(seq));
  assert.equal(inbox.shown.length, 1000);
  assert.equal(inbox.put(message(1500)), false);
});

test('a copy of a message that was sent here is not shown, but acknowledged', () => {
  const inbox = new Inbox();
  assert.equal(inbox.put(message(7), true), false);
  inbox.sentHere(7);
  assert.deepEqual(inbox.takeAcknowledgements(), [7]);
  assert.deepEqual(
    inbox.release(() => false),
    [],
  );
});

test('a held copy that was not sent here is shown after all', () => {
  const inbox = new Inbox();
  inbox.put(message(7), true);
  assert.deepEqual(
    inbox.release(() => true),
    [],
  );
  assert.deepEqual(
    inbox.release(() => false).map((one) => one.seq),
    [7],
  );
});

test('at most 1,000 numbers go in one acknowledgement', () => {
  const inbox = new Inbox();
  inbox.saved(Array.from({ length: 1500 }, (_, index) => index + 1));
  assert.equal(inbox.takeAcknowledgements().length, 1000);
  assert.equal(inbox.takeAcknowledgements().length, 500);
});
