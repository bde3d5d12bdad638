import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ERR } from '../../../web/core/numbers.js';
import { Outbox } from '../../../web/core/outbox.js';
import { draft } from './samples.js';

const mids = (drafts) => drafts.map((one) => one.mid);

test('sends drafts in the order of writing, each once', () => {
  const outbox = new Outbox();
  outbox.add(draft('a'));
  outbox.add(draft('b'));
  assert.deepEqual(mids(outbox.take(0)), ['a', 'b']);
  assert.deepEqual(outbox.take(0), []);
});

test('a stored draft leaves the outbox', () => {
  const outbox = new Outbox();
  outbox.add(draft('a'));
  outbox.take(0);
  assert.equal(outbox.answered({ mid: 'a', errno: 0, seq: 7 }, 0)?.mid, 'a');
  assert.equal(outbox.size, 0);
});

test('an answer for another page is ignored', () => {
  assert.equal(new Outbox().answered({ mid: 'x', errno: 0 }, 0), undefined);
});

test('after a lost connection all drafts go again, in the same order and with the same mid', () => {
  const outbox = new Outbox();
  for (const mid of ['a', 'b', 'c']) outbox.add(draft(mid));
  outbox.take(0);
  outbox.answered({ mid: 'a', errno: 0 }, 0);
  outbox.startOver();
  outbox.add(draft('d'));
  assert.deepEqual(mids(outbox.take(0)), ['b', 'c', 'd']);
});

test('"not now" holds back that draft and all behind it for the time that the server names', () => {
  const outbox = new Outbox();
  for (const mid of ['a', 'b', 'c']) outbox.add(draft(mid));
  outbox.take(1000);
  outbox.answered({ mid: 'b', errno: ERR.UNAVAILABLE, retry_after: 2 }, 1000);
  assert.equal(outbox.wakeAt, 3000);
  assert.deepEqual(outbox.take(2999), []);
  assert.deepEqual(mids(outbox.take(3000)), ['b', 'c']);
});

test('a refused draft stays as failed, and can go again behind the others', () => {
  const outbox = new Outbox();
  outbox.add(draft('a'));
  outbox.take(0);
  outbox.answered({ mid: 'a', errno: ERR.BLOCKED, errmsg: 'no' }, 0);
  assert.equal(outbox.get('a')?.state, 'failed');
  assert.equal(outbox.get('a')?.error, 'no');
  outbox.startOver();
  assert.deepEqual(outbox.take(0), []);
  outbox.add(draft('b'));
  outbox.retry('a');
  assert.deepEqual(mids(outbox.take(0)), ['b', 'a']);
});

test('a draft on its way cannot be withdrawn; a waiting one can', () => {
  const outbox = new Outbox();
  outbox.add(draft('a'));
  outbox.take(0);
  assert.equal(outbox.withdraw('a'), undefined);
  outbox.startOver();
  assert.equal(outbox.withdraw('a')?.copies, 1);
  assert.equal(outbox.size, 0);
});

test('saved drafts may have been sent by the earlier page', () => {
  const outbox = new Outbox([
    { ...draft('a'), state: 'sent' },
    { ...draft('b'), state: 'failed' },
  ]);
  assert.equal(outbox.get('a')?.state, 'waiting');
  assert.equal(outbox.get('a')?.copies, 1);
  assert.equal(outbox.get('b')?.state, 'failed');
});

test('at most 100 drafts are without an answer', () => {
  const outbox = new Outbox();
  for (let number = 0; number < 150; number += 1) outbox.add(draft(`m${number}`));
  assert.equal(outbox.take(0).length, 100);
  assert.equal(outbox.take(0).length, 0);
  outbox.answered({ mid: 'm0', errno: 0 }, 0);
  assert.deepEqual(mids(outbox.take(0)), ['m100']);
});
