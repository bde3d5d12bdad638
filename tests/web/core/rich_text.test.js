import assert from 'node:assert/strict';
import { test } from 'node:test';

import { markedPieces, piecesOf, plainName } from '../../../web/core/rich_text.js';

const links = (text) => piecesOf(text).flatMap((piece) => (piece.href ? [piece.text] : []));

test('makes links of http and https only', () => {
  assert.deepEqual(links('see https://a.example/x and http://b.example'), [
    'https://a.example/x',
    'http://b.example',
  ]);
  for (const bad of ['javascript:alert(1)', 'data:text/html,x', 'ftp://a', 'https://', '//a.b']) {
    assert.deepEqual(links(bad), []);
  }
});

test('punctuation of the sentence is no part of a link', () => {
  assert.deepEqual(links('(https://a.example/x).'), ['https://a.example/x']);
  assert.deepEqual(links('https://a.example/x_(y)!'), ['https://a.example/x_(y)']);
  assert.deepEqual(links('看 https://a.example/路。'), ['https://a.example/路']);
});

test('the pieces are the whole text', () => {
  for (const text of ['', 'a', 'https://a.example', 'x https://a.example/?q=1&r="2" <b>y</b>']) {
    assert.equal(
      piecesOf(text)
        .map((piece) => piece.text)
        .join(''),
      text,
    );
  }
});

test('marks count code points', () => {
  const pieces = markedPieces('😀你好吗', [[1, 3]]);
  assert.deepEqual(pieces, [{ text: '😀' }, { text: '你好', isMarked: true }, { text: '吗' }]);
});

test('marks that make no sense are left out', () => {
  const marks = /** @type {[number, number][]} */ ([
    [0, 1],
    [0, 1],
    [2, 99],
    [3, 1],
  ]);
  assert.equal(
    markedPieces('abc', marks)
      .map((piece) => piece.text)
      .join(''),
    'abc',
  );
});

test('characters that hide or reorder are visible in a name', () => {
  assert.equal(plainName('a\u202eb\u200bc\u0007'), 'a\ufffdb\ufffdc\ufffd');
  assert.equal(plainName('张三 👩‍👩‍👧'), '张三 👩‍👩‍👧');
});
