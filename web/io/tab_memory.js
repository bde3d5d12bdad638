/**
 * What this tab remembers over a reload. Without sessionStorage (a browser may deny it): nothing.
 */

/** @param {string} name @returns {string} empty: nothing is remembered */
export function recall(name) {
  try {
    return sessionStorage.getItem(`chat-${name}`) ?? '';
  } catch {
    return '';
  }
}

/** @param {string} name @param {string} value */
export function remember(name, value) {
  try {
    sessionStorage.setItem(`chat-${name}`, value);
  } catch {
    // The page works without it: see the callers.
  }
}
