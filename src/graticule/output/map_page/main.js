"use strict";
(() => {
  const element = (id) => document.getElementById(id);
  const photos = element("photos").textContent.split("\n").filter(Boolean).map((line) => JSON.parse(line));
  photos.forEach((photo, order) => {
    photo.order = order;
    // Only Windows parts names by backslashes; elsewhere one belongs to the name, as in caf\xe9.jpg.
    const windows = /^([A-Za-z]:)?\\/.test(photo.photo);
    photo.name = photo.photo.split(windows ? /[/\\]/ : "/").pop() || photo.photo;
    const [country] = photo.countries;
    const sure = (name, [best]) => best && best[2] >= 0.5 && best[name];
    // What is smallest of what is sure.
    const unit = sure(0, photo.cities) || sure(1, photo.districts) || sure(1, photo.regions);
    photo.place = [unit, country && country[1]].filter(Boolean).join(", ") || "Somewhere";
    photo.words = [photo.photo, photo.why || "", ...photo.countries.slice(0, 3).map((c) => c[1]),
      ...photo.cities.slice(0, 2).map((c) => c[0])].join("\n").toLowerCase();
  });
  const count = (status) => photos.filter((photo) => photo.status === status).length;
  const counts = { placed: count("placed"), abstained: count("abstained"), failed: count("failed") };
  element("others").hidden = !photos.some((photo) => photo.hypotheses.length > 1);
  element("alike").hidden = !photos.some((photo) => photo.matches.length);
  const map = new WorldMap(element("map"), JSON.parse(element("world").textContent), photos);
  let only = null;

  function choose(photo, show) {
    map.chosen = photo;
    list.select(photo);
    element("said").textContent = photo ? `${photo.name}: ${photo.point ? photo.place : photo.why}` : "";
    if (photo && photo.point && show) map.show(photo.point, photo.radius[90]);
    else map.ask();
  }
  // A pin of one photo opens it; of several, comes nearer until they part, or lists them.
  function pick(group) {
    if (group.length === 1) {
      if (!list.cards.get(group[0]).isConnected) { only = null; arrange(); }
      choose(group[0]);
      list.cards.get(group[0]).firstChild.focus({ preventScroll: true });
      return;
    }
    const spread = Math.max(...group.map((photo) => distanceKm(photo.point, group[0].point)));
    if (spread > 25 && map.view.k < 8000) { map.show(group[0].point, Math.max(60, spread)); return; }
    only = new Set(group);
    choose(null);
    arrange();
  }
  const list = new PhotoList(photos, choose);
  const orders = {
    order: (a, b) => a.order - b.order,
    radius: (a, b) => (a.radius[80] ?? 1e9) - (b.radius[80] ?? 1e9) || a.order - b.order,
    country: (a, b) => (a.point ? a.countries[0]?.[1] ?? "" : "\uffff").localeCompare(b.point ? b.countries[0]?.[1] ?? "" : "\uffff") || a.order - b.order,
  };
  function arrange() {
    const wanted = element("search").value.trim().toLowerCase(), status = element("show").value;
    const fits = photos.filter((photo) => (!status || photo.status === status) && (!wanted || photo.words.includes(wanted)));
    map.shown = new Set(fits.filter((photo) => photo.point));
    const listed = only ? fits.filter((photo) => only.has(photo)) : fits;
    list.arrange(listed.sort(orders[element("sort").value]));
    element("here").hidden = !only;
    element("here").textContent = only ? `✕ ${only.size} photos at one pin` : "";
    map.ask();
  }
  const option = (value, text) => { const node = make("option", "", text); node.value = value; element("show").append(node); };
  option("", `all ${photos.length}`);
  if (counts.placed) option("placed", `${counts.placed} placed`);
  if (counts.abstained) option("abstained", `${counts.abstained} without a place`);
  if (counts.failed) option("failed", `${counts.failed} unreadable`);
  element("filters").hidden = photos.length < 2;
  element("search").addEventListener("input", arrange);
  element("show").addEventListener("change", arrange);
  element("sort").addEventListener("change", arrange);
  element("here").addEventListener("click", () => { only = null; arrange(); });
  element("heat").addEventListener("change", (event) => { map.showHeat = event.target.checked; map.ask(); });
  element("circles").checked = map.showCircles;
  element("circles").addEventListener("change", (event) => { map.showCircles = event.target.checked; map.ask(); });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { only = null; choose(null); arrange(); }
    if (event.key === "/" && event.target !== element("search")) { event.preventDefault(); element("search").focus(); }
  });
  const said = [`${counts.placed} of ${photos.length} placed`];
  if (counts.abstained) said.push(`${counts.abstained} said too little`);
  if (counts.failed) said.push(`${counts.failed} could not be read`);
  element("summary").textContent = `Estimates from what the photos show, not measured positions. ${said.join(", ")}.`;
  const model = photos.map((photo) => photo.model).find(Boolean);
  element("foot").textContent = (model ? `Model ${model.name} ${model.version}${model.calibrated ? "" : ", not calibrated: its radii are guesses"}. ` : "")
    + "Heat: where the model’s belief lies, of all photos or of the one chosen. Outlines: Natural Earth. Equal Earth projection: a radius covers the same area everywhere.";
  listenTo(map, choose, pick);
  arrange();
  // "map.html#3" opens the third photo.
  const asked = () => photos[Number(location.hash.slice(1)) - 1];
  addEventListener("hashchange", () => asked() && choose(asked(), true));
  if (photos.length === 1 || asked()) choose(asked() || photos[0], true);
  document.documentElement.dataset.ready = String(photos.length);
})();
