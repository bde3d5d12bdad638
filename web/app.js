/** The start of the page: it reads what is saved, and shows the chat or the form to sign in. */

import { MSG } from './core/numbers.js';
import { Client } from './io/client.js';
import { Database } from './io/database.js';
import { prepareOffline } from './io/offline.js';
import { reloadIfOutdated } from './io/page_version.js';
import { randomId } from './io/random_id.js';
import { register, signIn } from './io/sign_in.js';
import { recall, remember } from './io/tab_memory.js';
import { Tabs } from './io/tabs.js';
import { bestLanguage, setLanguage, text } from './text/texts.js';
import { ChatView } from './ui/chat_view.js';
import { fill } from './ui/dom.js';
import { toast } from './ui/feedback.js';
import { notifyOf, showCount } from './ui/notifications.js';
import { makeSignIn } from './ui/sign_in.js';
import { UnfinishedTexts } from './ui/texts_store.js';

/** @typedef {import('./io/client.js').SavedAccount} SavedAccount */

const URL_OF_SERVER = `${location.origin.replace(/^http/, 'ws')}/ws`;

class App {
  #root = /** @type {HTMLElement} */ (document.getElementById('app'));
  #database;
  #browser;
  /** @type {ChatView | null} */
  #view = null;

  /** @param {Database} database @param {string} browser the name of this browser as a device */
  constructor(database, browser) {
    this.#database = database;
    this.#browser = browser;
    addEventListener('online', () => this.#view?.client.wakeUp());
    document.addEventListener('visibilitychange', () => this.#seen());
    addEventListener('focus', () => this.#seen());
    addEventListener('pagehide', () => this.#view?.client.tabs.leave());
    addEventListener('pageshow', (event) => event.persisted && location.reload());
  }

  async start() {
    const accounts = await this.#database.all('accounts');
    // Two tabs may have two accounts, also after a reload.
    const last = recall('account') || (await this.#database.get('settings', 'account'))?.value;
    const account = accounts.find((one) => one.account === last && one.token);
    if (account) await this.#show(account);
    else this.#showSignIn('');
  }

  /** @param {string} notice */
  async #showSignIn(notice) {
    this.#leave();
    const accounts = (await this.#database.all('accounts')).filter((one) => one.token);
    const actions = {
      signIn: async (
        /** @type {string} */ name,
        /** @type {string} */ password,
        /** @type {number | undefined} */ endDevice,
      ) => {
        const device = `${this.#browser}-1`;
        const fields = { name, password, device, label: deviceLabel(), endDevice };
        await this.#show(await signIn(URL_OF_SERVER, this.#database, fields));
      },
      register: async (
        /** @type {string} */ name,
        /** @type {string} */ password,
        /** @type {string | undefined} */ code,
      ) => {
        await register(URL_OF_SERVER, { name, password, code });
        await actions.signIn(name, password, undefined);
      },
      choose: (/** @type {SavedAccount} */ account) => this.#show(account),
    };
    fill(this.#root, makeSignIn(actions, accounts, notice));
    showCount(0);
  }

  /** @param {SavedAccount} saved @param {boolean} [useHere] take a place from another tab */
  async #show(saved, useHere = false) {
    this.#leave();
    await this.#database.put('settings', { name: 'account', value: saved.account });
    remember('account', saved.account);
    const tabs = new Tabs(saved.account, (news) => this.#told(news));
    const taken = await tabs.takePlace();
    if (!taken) tabs.place = 1; // all are taken: the user may take the first one
    const device = { browser: this.#browser, label: deviceLabel() };
    const client = new Client(URL_OF_SERVER, this.#database, tabs, saved, device, {
      onTouched: (parts) => this.#touched(parts),
      onArrived: (messages) => this.#arrived(messages),
      onState: (state) => {
        if (state.name === 'online') reloadIfOutdated();
        this.#view?.stateChanged();
      },
      onAnnouncement: (said) => toast(text('announcement', { text: said })),
    });
    await client.load();
    const texts = new UnfinishedTexts(this.#database, saved.account);
    await texts.load();
    this.#view = new ChatView(client, texts, {
      signOut: () => this.#signOut(client),
      otherAccount: () => this.#showSignIn(''),
      useHere: () => this.#show(saved, true),
      setLanguage: (language) => this.#setLanguage(language),
      setTheme: (theme) => this.#setTheme(theme),
      theme: () => document.documentElement.dataset.theme ?? 'system',
    });
    fill(this.#root, this.#view.element);
    if (!this.#database.lasting) toast(text('notKept'));
    if (taken || useHere) client.connect();
    else client.wait('tabs');
  }

  #leave() {
    this.#view?.client.close();
    this.#view?.remove();
    this.#view = null;
  }

  /** @param {Client} client */
  async #signOut(client) {
    const { account } = client.saved;
    await client.ask(MSG.LOGOUT).catch(() => {}); // the token is forgotten here in any case
    client.tabs.tell({ type: 'signedOut' });
    this.#leave();
    location.hash = '';
    await this.#database.clear(account);
    await this.#database.delete('accounts', account);
    await this.#showSignIn('');
  }

  #seen() {
    if (document.visibilityState !== 'visible') return;
    this.#view?.client.wakeUp();
    this.#view?.seen();
  }

  /** @param {Set<import('./core/account.js').Part>} parts */
  #touched(parts) {
    this.#view?.update(parts);
    if (parts.has('list') && this.#view) showCount(this.#view.client.account.conversations.unread);
  }

  /** @param {import('./core/types.js').Message[]} messages */
  #arrived(messages) {
    const view = this.#view;
    if (!view) return;
    const { account } = view.client;
    const isNew = (/** @type {import('./core/types.js').Message} */ { key }) =>
      !(document.hasFocus() && view.current === key) && !account.conversations.get(key)?.muted;
    notifyOf(messages.filter(isNew), account, (key) => view.open(key));
    view.arrived();
  }

  /** @param {any} news of another tab */
  #told(news) {
    if (news.type === 'left') this.#view?.client.adopt();
    else if (news.type === 'signedOut') this.#showSignIn(text('signedOut'));
    else if (news.type === 'withdrawn') this.#view?.client.withdrawnElsewhere(String(news.mid));
  }

  /** @param {string} language */
  async #setLanguage(language) {
    await this.#database.put('settings', { name: 'language', value: language });
    location.reload();
  }

  /** @param {string} theme */
  async #setTheme(theme) {
    document.documentElement.dataset.theme = theme;
    await this.#database.put('settings', { name: 'theme', value: theme });
  }
}

/** A name for this browser in the list of devices. */
function deviceLabel() {
  const agent = navigator.userAgent;
  const browser = /Edg/.test(agent)
    ? 'Edge'
    : /Firefox/.test(agent)
      ? 'Firefox'
      : /Chrom/.test(agent)
        ? 'Chrome'
        : /Safari/.test(agent)
          ? 'Safari'
          : 'Browser';
  const system = /Android/.test(agent)
    ? 'Android'
    : /iPhone|iPad/.test(agent)
      ? 'iOS'
      : /Windows/.test(agent)
        ? 'Windows'
        : /Mac OS/.test(agent)
          ? 'macOS'
          : 'Linux';
  return `${browser}, ${system}`;
}

/** @param {Database} database */
async function browserName(database) {
  const saved = await database.get('settings', 'browser');
  if (saved) return saved.value;
  const value = `web-${randomId()}`;
  await database.put('settings', { name: 'browser', value });
  return value;
}

async function main() {
  const database = await Database.open(() => toast(text('notKept')));
  const language = await database.get('settings', 'language');
  setLanguage(language?.value ?? bestLanguage(navigator.languages));
  document.documentElement.lang = language?.value ?? bestLanguage(navigator.languages);
  const theme = await database.get('settings', 'theme');
  if (theme) document.documentElement.dataset.theme = theme.value;
  await new App(database, await browserName(database)).start();
  await prepareOffline();
}

main();
