import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Timeline } from '../../../web/core/timeline.js';
import { message } from './samples.js';

const seqs = (timeline) => timeline.messages.map((one) => one.seq);
const page = (...numbers) => numbers.map((seq) => message(seq));

test('keeps the order of seq, whatever the order of arrival', () => {
  const timeline = new Timeline();
  timeline.addPage(page(10, 11), true);
  for (const seq of [14, 12, 13]) timeline.add(message(seq));
  assert.deepEqual(seqs(timeline), [10, 11, 12, 13, 14]);
});

test('has each message once', () => {
  const timeline = new Timeline();
  timeline.addPage(page(1, 2), false);
  assert.equal(timeline.add(message(2)), false);
  timeline.addPage(page(1, 2), false);
  assert.deepEqual(seqs(timeline), [1, 2]);
});

test('older pages go before', () => {
  const timeline = new Timeline();
  timeline.addPage(page(10, 11), true);
  assert.equal(timeline.oldest, 10);
  timeline.addPage(page(7, 8), false);
  assert.deepEqual(seqs(timeline), [7, 8, 10, 11]);
  assert.equal(timeline.more, false);
});

test('saved messages with a hole before the newest page go away; later ones stay', () => {
  const timeline = new Timeline();
  timeline.addSaved(page(1, 2, 10, 12));
  timeline.addPage(page(10, 11), true);
  assert.deepEqual(seqs(timeline), [10, 11, 12]);
});

test('saved messages do not come into a loaded timeline', () => {
  const timeline = new Timeline();
  timeline.addPage(page(10), true);
  timeline.addSaved(page(3));
  assert.deepEqual(seqs(timeline), [10]);
});

test('an empty conversation is loaded after an empty page', () => {
  const timeline = new Timeline();
  timeline.addPage([], false);
  assert.equal(timeline.loaded, true);
  assert.equal(timeline.oldest, undefined);
});

test('a message without seq stays where it came', () => {
  const timeline = new Timeline();
  timeline.addPage(page(1), false);
  timeline.add(message(0, { text: 'direct' }));
  timeline.add(message(2));
  assert.deepEqual(seqs(timeline), [1, 0, 2]);
  assert.equal(timeline.newest, 2);
});
