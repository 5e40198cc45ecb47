// Makes one tree equal to another while keeping what need not change: focus, pictures, scrolling.

/** @param {Element} from @param {Element} to */
function same(from, to) {
  return from.tagName === to.tagName && key(from) === key(to);
}

/** @param {Node} node */
const key = (node) => node instanceof Element ? node.getAttribute("data-key") || node.id : "";

/** What a person has put into a page by hand, which the server knows nothing of. */
const KEPT = new Set(["open", "aria-checked"]);

/** @param {Element} from @param {Element} to */
function attributes(from, to) {
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name) && !KEPT.has(name)) from.removeAttribute(name);
  }
  for (const { name, value } of to.attributes) {
    if (from.getAttribute(name) !== value && !KEPT.has(name)) from.setAttribute(name, value);
  }
}

/**
 * @param {Element} from the element on the page
 * @param {ParentNode} to what its children should be
 * @param {(added: Element) => void} arrived called with every element that is new
 */
export function morph(from, to, arrived) {
  const keyed = new Map([...from.children].filter(key).map((child) => [key(child), child]));
  let place = from.firstChild;
  for (const wanted of [...to.childNodes]) {
    const found = wanted instanceof Element && key(wanted) ? keyed.get(key(wanted)) : place;
    if (found instanceof Element && wanted instanceof Element && same(found, wanted)) {
      if (found !== place) from.insertBefore(found, place);
      else place = found.nextSibling;
      attributes(found, wanted);
      morph(found, wanted, arrived);
      continue;
    }
    if (found && found === place && found.nodeType === Node.TEXT_NODE && wanted.nodeType === Node.TEXT_NODE) {
      if (found.textContent !== wanted.textContent) found.textContent = wanted.textContent;
      place = found.nextSibling;
      continue;
    }
    from.insertBefore(wanted, place);
    if (wanted instanceof Element) arrived(wanted);
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

/**
 * Make one tree equal to another; what carries a name (`data-carry`) is taken along to where it
 * stands now, with what was opened and written in it.
 * @param {Element} from @param {ParentNode} to @param {(added: Element) => void} arrived
 */
export function renew(from, to, arrived) {
  const carried = [...from.querySelectorAll("[data-carry]")];
  const focus = document.activeElement;
  morph(from, to, arrived);
  for (const old of carried) {
    if (from.contains(old)) continue;
    const fresh = from.querySelector(`[data-carry="${old.getAttribute("data-carry")}"]`);
    if (!fresh) continue;
    fresh.replaceWith(old);
    attributes(old, fresh);
    morph(old, fresh, arrived);
    if (focus instanceof HTMLElement && old.contains(focus)) focus.focus({ preventScroll: true });
  }
}
