// Building and changing elements. Nothing here knows what is shown.

/**
 * Creates an element.
 * @param {string} tag its name
 * @param {Object<string, unknown>} [attributes] `class`, `text`, `on…` listeners, anything else as an attribute;
 *   `null`, `undefined` and `false` are left out, `true` is an empty attribute
 * @param {...(Node|string|null|undefined|false)} children what is inside
 * @returns {HTMLElement}
 */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'text') node.textContent = String(value);
    else if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? '' : String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/**
 * Sets a text, if it differs: an unchanged one costs no layout.
 * @param {Node} node
 * @param {unknown} text
 */
export function setText(node, text) {
  const words = text === null || text === undefined ? '' : String(text);
  if (node.textContent !== words) node.textContent = words;
}

/**
 * Sets an attribute, or removes it for `null`, if it differs.
 * @param {Element} node
 * @param {string} name
 * @param {string|null|undefined} value
 */
export function setAttribute(node, name, value) {
  if (value === null || value === undefined) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else if (node.getAttribute(name) !== value) {
    node.setAttribute(name, value);
  }
}

/**
 * Children of one parent, one for each item of a list, in its order. Those of items that are the same object as before
 * are not touched.
 * @template T
 */
export class KeyedChildren {
  /**
   * @param {Element} parent
   * @param {(item: T) => {node: Element, update: (item: T) => void}} make a child for a new key
   */
  constructor(parent, make) {
    this.parent = parent;
    this.make = make;
    this.children = new Map();
  }

  /**
   * Shows these items.
   * @param {T[]} items
   * @param {(item: T) => unknown} keyOf
   */
  show(items, keyOf) {
    const gone = new Set(this.children.keys());
    let next = this.parent.firstElementChild;
    for (const item of items) {
      const key = keyOf(item);
      gone.delete(key);
      let child = this.children.get(key);
      if (!child) {
        child = { ...this.make(item), item: undefined };
        this.children.set(key, child);
      }
      if (child.item !== item) {
        child.item = item;
        child.update(item);
      }
      if (child.node === next) next = next.nextElementSibling;
      else this.parent.insertBefore(child.node, next);
    }
    for (const key of gone) {
      this.children.get(key).node.remove();
      this.children.delete(key);
    }
  }
}
