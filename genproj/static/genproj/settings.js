// The settings page's one preference that lives in this browser.

import { memory, one } from "./ui.js";

const box = one("#single-keys");
box.checked = memory.get("keys", true);
box.addEventListener("change", () => memory.set("keys", box.checked));
