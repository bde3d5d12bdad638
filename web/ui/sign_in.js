/** The page for signing in, registering, and choosing an account of this browser. */

import { ERR } from '../core/numbers.js';
import { addressOf } from '../io/page_version.js';
import { RefusedError } from '../io/socket.js';
import { text } from '../text/texts.js';
import { field, makeForm } from './dialog.js';
import { fill, make } from './dom.js';
import { errorText } from './feedback.js';

/** @typedef {import('../io/client.js').SavedAccount} SavedAccount */
/** @typedef {import('../core/types.js').Frame} Frame */

/**
 * @typedef {object} SignInActions
 * @property {(name: string, password: string, endDevice?: number) => Promise<unknown>} signIn
 * @property {(name: string, password: string, code?: string) => Promise<unknown>} register
 * @property {(account: SavedAccount) => unknown} choose
 */

/**
 * @param {SignInActions} actions
 * @param {SavedAccount[]} accounts
 * @param {string} notice shown above the form; may be empty
 */
export function makeSignIn(actions, accounts, notice) {
  const panel = make('main', { class: 'sign-in' });
  let isNew = false;

  const show = () => {
    const form = new CredentialsForm(actions, isNew);
    const flip = () => {
      isNew = !isNew;
      show();
    };
    fill(
      panel,
      make('img', {
        src: addressOf('icons/icon.svg'),
        alt: '',
        class: 'logo',
        width: 64,
        height: 64,
      }),
      make('h1', {}, text(isNew ? 'register' : 'signIn')),
      notice && make('p', { class: 'notice' }, notice),
      !isNew && accounts.length > 0 && accountList(accounts, actions.choose),
      form.element,
      make(
        'button',
        { type: 'button', class: 'link', onclick: flip },
        text(isNew ? 'haveAccount' : 'noAccount'),
      ),
      !globalThis.isSecureContext && make('p', { class: 'hint' }, text('insecure')),
    );
    form.focus();
  };
  show();
  return panel;
}

/** @param {SavedAccount[]} accounts @param {(account: SavedAccount) => unknown} choose */
function accountList(accounts, choose) {
  const buttons = accounts.map((account) => {
    const onclick = () => choose(account);
    return make(
      'li',
      {},
      make('button', { type: 'button', onclick }, make('bdi', {}, account.name)),
    );
  });
  return make(
    'nav',
    { 'aria-label': text('chooseAccount') },
    make('ul', { class: 'accounts' }, ...buttons),
  );
}

/** The form for the name and the password. */
class CredentialsForm {
  element;
  #actions;
  #isNew;
  #name = make('input', {
    name: 'username',
    autocomplete: 'username',
    required: true,
    maxLength: 50,
  });
  #password;
  #code = make('input', { name: 'code', maxLength: 64, autocomplete: 'off' });
  #codeField = field(text('code'), this.#code);
  #error = make('p', { class: 'error', role: 'alert' });
  #devices = make('div');

  /** @param {SignInActions} actions @param {boolean} isNew */
  constructor(actions, isNew) {
    this.#actions = actions;
    this.#isNew = isNew;
    const autocomplete = isNew ? 'new-password' : 'current-password';
    const properties = { type: 'password', name: 'password', autocomplete, required: true };
    this.#password = make('input', { ...properties, maxLength: 128 });
    this.#codeField.hidden = true;
    const fields = [
      field(text('name'), this.#name),
      field(text('password'), this.#password),
      this.#codeField,
      this.#error,
      this.#devices,
    ];
    const action = text(isNew ? 'registerButton' : 'signInButton');
    this.element = makeForm(fields, action, () => this.#submit());
  }

  focus() {
    this.#name.focus();
  }

  /** @param {number} [endDevice] */
  async #submit(endDevice) {
    fill(this.#error);
    fill(this.#devices);
    const name = this.#name.value.trim();
    const password = this.#password.value;
    try {
      if (this.#isNew) await this.#actions.register(name, password, this.#code.value.trim());
      else await this.#actions.signIn(name, password, endDevice);
    } catch (error) {
      this.#refused(error);
    }
  }

  /** @param {unknown} error */
  #refused(error) {
    if (error instanceof RefusedError && error.answer.invitation) {
      this.#codeField.hidden = false;
      fill(this.#error, text('codeNeeded'));
      this.#code.focus();
    } else if (error instanceof RefusedError && error.errno === ERR.TOO_MANY_DEVICES) {
      fill(this.#error, text('endDeviceFirst'));
      this.#offerDevices(error.answer.devices ?? []);
    } else {
      fill(this.#error, errorText(error));
      this.#password.select();
    }
  }

  /** @param {Frame[]} devices */
  #offerDevices(devices) {
    const items = devices.map((device) => {
      const onclick = () => this.#submit(Number(device.deviceid));
      const button = make('button', { type: 'button', onclick }, text('endIt'));
      const name = device.label || text('number', { n: device.deviceid });
      return make('li', {}, make('bdi', {}, name), ' ', device.last, ' ', button);
    });
    fill(this.#devices, make('ul', { class: 'devices' }, ...items));
  }
}
