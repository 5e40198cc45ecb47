// The dialog in which a link to pictures is made: the form of the page of links, without leaving.

import { part } from "./http.js";
import { spaceId } from "./room.js";
import { icon, make, one, toast } from "./ui.js";

const ADDRESS = `/spaces/${spaceId}/shares/`;

/** @param {any} form @param {any} place */
async function send(form, place) {
  const button = one("button:not([type])", form);
  button.disabled = true;
  try {
    const answer = await fetch(`${ADDRESS}?part=form`, { method: "POST", body: new FormData(form), credentials: "same-origin" });
    if (answer.status >= 500) throw new Error();
    const holder = document.createElement("template");
    holder.innerHTML = await answer.text();
    place.replaceChildren(holder.content);
    one(".linked button, .problem, select", place)?.focus();
  } catch {
    button.disabled = false;
    toast("The link was not made. Try again.");
  }
}

/** Share what a query names: `asset`, or `v` for each variant. @param {URLSearchParams} query */
export async function share(query) {
  const place = make("div", {});
  const close = make("button", { class: "button quiet only", type: "button", "aria-label": "Close" }, icon("cross"));
  const dialog = make("dialog", { class: "sheet wide stack", "aria-labelledby": "share-title" },
    make("header", { class: "row" }, make("h2", { id: "share-title", class: "grow" }, "Share by link"), close),
    make("p", { class: "muted small" }, "Whoever has the link sees these pictures, and nothing else of the space."),
    place,
    make("p", { class: "small" }, make("a", { href: ADDRESS }, "All links of this space")));
  try {
    place.append(await part(`${ADDRESS}?part=form&${query}`));
  } catch (error) {
    toast(/** @type {Error} */ (error).message);
    return;
  }
  place.addEventListener("submit", (/** @type {any} */ event) => { event.preventDefault(); send(event.target, place); });
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
