"use strict";
// Follows the system until the button chooses; the choice lasts where the browser lets a file keep it.
(() => {
  const root = document.documentElement, button = document.getElementById("theme");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const now = () => root.dataset.theme || (dark.matches ? "dark" : "light");
  const show = () => {
    button.textContent = now() === "dark" ? "☀" : "☾";
    button.setAttribute("aria-label", now() === "dark" ? "Light colours" : "Dark colours");
    button.title = button.getAttribute("aria-label");
    document.dispatchEvent(new Event("theme"));
  };
  try { root.dataset.theme = localStorage.getItem("graticule-theme") || ""; } catch { /* refused */ }
  if (!root.dataset.theme) delete root.dataset.theme;
  button.addEventListener("click", () => {
    root.dataset.theme = now() === "dark" ? "light" : "dark";
    try { localStorage.setItem("graticule-theme", root.dataset.theme); } catch { /* refused */ }
    show();
  });
  dark.addEventListener("change", show);
  button.hidden = false;
  show();
})();
