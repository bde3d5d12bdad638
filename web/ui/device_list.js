/** The devices of the account, which the user can end. */

import { MSG } from '../core/numbers.js';
import { timeOf } from '../core/parsing.js';
import { plainName } from '../core/rich_text.js';
import { fullTimeOf, shortTimeOf, text } from '../text/texts.js';
import { confirmAction } from './dialog.js';
import { fill, make } from './dom.js';
import { attempt } from './feedback.js';

/** @typedef {import('../core/types.js').Frame} Frame */
/** @typedef {import('./chat_view.js').ChatView} ChatView */

/** The list, and the function that loads it. @param {ChatView} view */
export function makeDeviceList(view) {
  const element = make('ul', { class: 'devices' });
  const load = () =>
    attempt(async () => {
      const { devices } = await view.client.ask(MSG.DEVICES);
      fill(element, ...devices.map((/** @type {Frame} */ one) => deviceItem(view, one, load)));
    });
  return { element, load };
}

/** @param {ChatView} view @param {Frame} device @param {() => unknown} load */
function deviceItem(view, device, load) {
  const name = plainName(device.label) || text('number', { n: device.deviceid });
  const end = async () => {
    if (!(await confirmAction(text('endDevice')))) return;
    const fields = { deviceid: device.deviceid };
    if (await attempt(() => view.client.ask(MSG.END_DEVICE, fields))) load();
  };
  const label = `${text('endDevice')}: ${name}`;
  const button = { type: 'button', 'aria-label': label, onclick: end };
  return make(
    'li',
    {},
    make('span', { class: 'device' }, make('bdi', {}, name), deviceNote(device)),
    !device.this && make('button', button, text('endIt')),
  );
}

/** @param {Frame} device */
function deviceNote(device) {
  const time = timeOf(device.last);
  const isLive = device.this || device.online;
  const last = text(device.this ? 'thisDevice' : 'isOnline');
  const said = isLive ? last : text('lastUse', { time: shortTimeOf(time) });
  return make('span', { class: 'hint', title: fullTimeOf(time) }, said);
}
