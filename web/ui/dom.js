/** Makes elements. Texts become text nodes only: nothing that others write can be markup. */

/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * An element with properties and children.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, any>} [properties] `class`, `on…` for events, `aria-…`, `data-…`, others
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'class') element.className = value;
    else if (name.includes('-') || name === 'role' || name === 'for') {
      if (value !== null && value !== undefined) element.setAttribute(name, String(value));
    } else Object.assign(element, { [name]: value });
  }
  fill(element, ...children);
  return element;
}

/** Replace the children. @param {Element} element @param {...Child} children */
export function fill(element, ...children) {
  const shown = children.filter((one) => one !== null && one !== undefined && one !== false);
  element.replaceChildren(...shown.map((one) => (one instanceof Node ? one : String(one))));
}

/** Set the text if it has changed. @param {Element} element @param {string} text */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @param {Element} element @param {string} name @param {string | null} value */
export function setAttribute(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

const SVG = 'http://www.w3.org/2000/svg';

/** Paths of 24 by 24 pixels. */
const ICONS = {
  back: 'M15 5l-7 7 7 7',
  send: 'M4 12l16-8-5 16-3-6z',
  search: 'M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l5 5',
  add: 'M12 5v14M5 12h14',
  menu: 'M4 7h16M4 12h16M4 17h16',
  close: 'M6 6l12 12M18 6L6 18',
  info: 'M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 11v5M12 8v.5',
  muted: 'M6 9v6h3l5 4V5L9 9zM18 9l4 6M22 9l-4 6',
  down: 'M12 5v14M6 13l6 6 6-6',
  up: 'M12 19V5M6 11l6-6 6 6',
};

/** @param {keyof typeof ICONS} name */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  for (const [key, value] of [
    ['viewBox', '0 0 24 24'],
    ['class', 'icon'],
    ['aria-hidden', 'true'],
  ]) {
    svg.setAttribute(key, value);
  }
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', ICONS[name]);
  svg.append(path);
  return svg;
}

/**
 * A button with an icon only. @param {keyof typeof ICONS} name @param {string} label
 * @param {(event: MouseEvent) => void} onclick
 */
export function iconButton(name, label, onclick) {
  const properties = { type: 'button', class: 'icon-button', 'aria-label': label, title: label };
  return make('button', { ...properties, onclick }, icon(name));
}

/**
 * Bring the children of an element in line with the items: moves, makes, changes and removes.
 * @template T
 * @param {Element} parent
 * @param {T[]} items
 * @param {(item: T) => string} idOf
 * @param {(item: T) => HTMLElement} create
 * @param {(element: HTMLElement, item: T) => void} update
 */
export function reconcile(parent, items, idOf, create, update) {
  const ids = new Set(items.map(idOf));
  /** @type {Map<string | undefined, HTMLElement>} */
  const former = new Map();
  for (const child of /** @type {HTMLElement[]} */ ([...parent.children])) {
    if (ids.has(child.dataset.id ?? '')) former.set(child.dataset.id, child);
    else child.remove();
  }
  let place = parent.firstElementChild;
  for (const item of items) {
    const id = idOf(item);
    const element = former.get(id) ?? create(item);
    element.dataset.id = id;
    update(element, item);
    if (element === place) place = place.nextElementSibling;
    else parent.insertBefore(element, place);
  }
}
