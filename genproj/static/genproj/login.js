// Fills in a demo account when its name is pressed.

for (const button of document.querySelectorAll("[data-demo]")) {
  button.addEventListener("click", () => {
    const form = document.querySelector("form");
    if (!form) return;
    /** @type {HTMLInputElement} */ (form.elements.namedItem("username")).value = button.getAttribute("data-demo") || "";
    /** @type {HTMLInputElement} */ (form.elements.namedItem("password")).value = "genproj";
    form.requestSubmit();
  });
}
