/** The version of the page, which is part of the address of its files: `/v/…/app.js`. */

import { recall, remember } from './tab_memory.js';

const IN_ADDRESS = /\/v\/([^/"]+)\//;

/** The version of this page. */
export const ownVersion = IN_ADDRESS.exec(import.meta.url)?.[1] ?? '';

/** The address of a file of the page. @param {string} file such as `icons/icon.svg` */
export const addressOf = (file) => new URL(`../${file}`, import.meta.url).href;

const RELOADED = 'reloaded-for';

/**
 * Reload the page if the server has a newer one: once for each version, so that a cache between
 * the two cannot make it reload for ever. What is written and not sent is saved, and stays.
 */
export async function reloadIfOutdated() {
  const version = await serverVersion();
  if (!version || version === ownVersion || recall(RELOADED) === version) return;
  remember(RELOADED, version);
  // Without memory, a cache between the two could make it reload for ever.
  if (recall(RELOADED) === version) location.reload();
}

/** The version that the server's start page names; empty if that is unknown. */
async function serverVersion() {
  try {
    const answer = await fetch('/', { cache: 'no-cache' });
    return IN_ADDRESS.exec(await answer.text())?.[1] ?? '';
  } catch {
    return '';
  }
}
