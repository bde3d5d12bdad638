/** A small choice of emoji. Others come from the keyboard of the system. */

import { make } from './dom.js';

const EMOJI = [
  ...'😀😂🙂😉😊😍😘🤔😐🙄😏😮😴😢😭😡🥳😎🤝👍👎👌👏🙏💪👋🎉🔥⭐💡✅❌❤💔☕🍵🍜🎂🌹🌙☀⏰📎📞🚀',
];

/**
 * Open the choice above a button.
 * @param {HTMLElement} button
 * @param {(emoji: string) => unknown} choose
 */
export function openEmoji(button, choose) {
  const former = document.querySelector('.emoji-choice');
  if (former) {
    former.remove();
    return;
  }
  const choice = make('div', { class: 'emoji-choice', role: 'menu' });
  const close = (/** @type {Event} */ event) => {
    const isInside = event.target instanceof Node && choice.contains(event.target);
    const isEscape = event instanceof KeyboardEvent && event.key === 'Escape';
    if (event instanceof KeyboardEvent ? !isEscape : isInside) return;
    if (isEscape) {
      event.stopPropagation(); // the conversation stays open
      button.focus();
    }
    choice.remove();
    document.removeEventListener('pointerdown', close, true);
    document.removeEventListener('keydown', close, true);
  };
  for (const emoji of EMOJI) {
    const onclick = () => choose(emoji);
    choice.append(make('button', { type: 'button', role: 'menuitem', onclick }, emoji));
  }
  button.before(choice);
  choice.querySelector('button')?.focus();
  document.addEventListener('pointerdown', close, true);
  document.addEventListener('keydown', close, true);
}
