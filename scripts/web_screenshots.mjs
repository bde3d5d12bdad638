/**
 * Makes the screenshots of docs/web: starts a server with an empty database, lets people talk on
 * its page, and saves what they see.
 *
 *     node scripts/web_screenshots.mjs docs/web
 *
 * It needs Chromium and the module `playwright-core`: `npm install --prefix FOLDER playwright-core`
 * and `NODE_PATH=FOLDER/node_modules`.
 */

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const { chromium } = createRequire(import.meta.url)('playwright-core');

const PORT = Number(process.env.PORT ?? 16789);
const URL_OF_PAGE = `http://127.0.0.1:${PORT}/`;
const TOP = resolve(import.meta.dirname, '..');
const SEND = '.composer textarea';

const ENGLISH = {
  people: ['Ada', 'Grace', 'Linus'],
  group: 'Release team',
  talk: [
    ['Ada', 'Good morning! Is the build green?'],
    ['Grace', 'Yes, since last night. The notes are at https://example.org/notes'],
    ['Linus', 'I read them twice. One question about the upgrade, then we can go.'],
    ['Ada', 'Ask!'],
    ['Linus', 'Do old clients work with the new server?'],
    ['Grace', 'They do. We tested all of them.'],
  ],
  direct: ['Lunch at one?', 'With pleasure'],
};

const CHINESE = {
  people: ['小明', '小红', '老王'],
  group: '周末爬山',
  talk: [
    ['小明', '大家好！星期六几点出发？'],
    ['小红', '早上八点，在地铁站门口见。'],
    ['老王', '我带茶和水果。'],
    ['小明', '太好了！天气预报说是晴天。'],
    ['小红', '路线在这里：https://example.org/route'],
  ],
  direct: ['中午一起吃饭吗？', '好的'],
};

/** Sign up, and wait for the connection. */
async function register(browser, name, options) {
  const context = await browser.newContext({ timezoneId: 'UTC', ...options });
  const page = await context.newPage();
  await page.goto(URL_OF_PAGE);
  await page.click('.sign-in button.link');
  await page.fill('input[name=username]', name);
  await page.fill('input[name=password]', 'correct horse battery');
  await page.click('button[type=submit]');
  await page.waitForSelector('.chat .bar', { state: 'hidden' });
  return page;
}

async function say(page, text) {
  await page.fill(SEND, text);
  await page.click('.composer button.primary');
  await page.locator('.message.own .state[data-mark^="✓"]').last().waitFor();
}

const openNamed = (page, name) => page.click(`.conversations button:has-text("${name}")`);

/** Three people talk in a group, two of them also alone. Returns the page of the first. */
async function talk(browser, { people, group, talk: lines, direct }, options) {
  const [first, second, third] = people;
  const pages = {};
  for (const name of people) pages[name] = await register(browser, name, options);
  const own = pages[first];
  await own.click('.side-head button >> nth=-1');
  await own.fill('dialog input', second);
  await own.click('dialog button[type=submit]');
  await say(own, direct[0]);
  await own.click('.side-head button >> nth=-1');
  await own.click('dialog .buttons button >> nth=0');
  await own.fill('dialog input', group);
  await own.click('dialog button[type=submit]');
  await own.waitForSelector(SEND);
  for (const name of [second, third]) {
    await own.click('.room-head button >> nth=-1');
    await own.click('dialog .folded summary');
    await own.fill('dialog .folded form input', name);
    await own.click('dialog .folded form button');
    await own.waitForSelector('.toast');
    await own.keyboard.press('Escape');
    await pages[name].click('.requests button');
    await pages[name].waitForSelector(SEND);
  }
  for (const [name, text] of lines) await say(pages[name], text);
  await openNamed(pages[second], first);
  await say(pages[second], direct[1]);
  await own.waitForSelector('.badge:not([hidden])');
  await own.waitForSelector('.toast', { state: 'detached' });
  return own;
}

async function makeAll(folder) {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  const save = (page, name) => page.screenshot({ path: join(folder, `${name}.png`) });
  try {
    const wide = { width: 900, height: 560 };
    const page = await talk(browser, ENGLISH, { viewport: wide, locale: 'en-GB' });
    await save(page, 'light');
    await page.emulateMedia({ colorScheme: 'dark' });
    await save(page, 'dark');
    await page.emulateMedia({ colorScheme: 'light' });
    await page.setViewportSize({ width: 320, height: 560 });
    await save(page, 'narrow');
    await save(await talk(browser, CHINESE, { viewport: wide, locale: 'zh-CN' }), 'chinese');
  } finally {
    await browser.close();
  }
}

async function answers() {
  try {
    return (await fetch(`${URL_OF_PAGE}healthz`)).ok;
  } catch {
    return false;
  }
}

const folder = resolve(process.argv[2] ?? join(TOP, 'docs/web'));
mkdirSync(folder, { recursive: true });
const data = mkdtempSync(join(tmpdir(), 'screenshots-'));
const address = ['127.0.0.1', String(PORT), '--db', `sqlite:///${join(data, 'chat.db')}`];
const server = spawn(join(TOP, 'bin/chatserver'), address, { cwd: data, stdio: 'inherit' });
try {
  while (!(await answers())) await pause(100);
  await makeAll(folder);
} finally {
  server.kill();
  rmSync(data, { recursive: true, force: true });
}
