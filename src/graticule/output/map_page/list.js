"use strict";
// The photos beside the map. Text from disk enters the page as text only, never as markup.
function make(tag, name, text) {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (text !== undefined) node.textContent = text;
  return node;
}
const percent = (p) => (p > 0 && p < 0.01 ? "<1 %" : p > 0.99 && p < 1 ? ">99 %" : `${Math.round(100 * p)} %`);
function kilometres(km) {
  if (km < 10) return `${km.toFixed(1)} km`;
  const unit = 10 ** (String(Math.trunc(km)).length - 2);
  return `${(Math.round(km / unit) * unit).toLocaleString("en")} km`;
}
function bar(p, label) {
  const row = make("div", label === undefined ? "bar" : "bar named"), track = make("b"), part = make("i");
  part.style.width = `${Math.max(1, 100 * p)}%`;
  track.append(part);
  if (label !== undefined) { const words = make("em", "", label); words.title = label; row.append(words); }
  row.append(track, make("span", "", percent(p)));
  return row;
}
class PhotoList {
  constructor(photos, choose) {
    this.node = document.getElementById("list");
    this.cards = new Map();
    this.photos = photos;
    this.choose = choose;
    for (const photo of photos) this.cards.set(photo, this.card(photo));
    this.node.addEventListener("keydown", (event) => this.key(event));
  }
  card(photo) {
    const item = make("li"), button = make("button", "card");
    button.type = "button";
    button.setAttribute("aria-expanded", "false");
    if (photo.thumb) {
      const image = make("img");
      image.alt = "";
      image.loading = "lazy";
      image.decoding = "async";
      image.src = photo.thumb;
      button.append(image);
    } else button.append(make("span", "blank", photo.status === "failed" ? "!" : "?"));
    const where = make("div", photo.point ? "where" : "where silent", photo.point ? photo.place : photo.why);
    if (photo.radius[80]) where.append(make("small", "", `  ±${kilometres(photo.radius[80])}`));
    const name = make("div", "name", photo.name);
    name.title = photo.photo;
    button.append(where);
    if (photo.countries.length) button.append(bar(photo.countries[0][2], photo.point ? undefined : photo.countries[0][1]));
    button.append(name);
    button.addEventListener("click", () => this.choose(this.open === photo ? null : photo, true));
    item.append(button);
    return item;
  }
  select(photo) {
    if (this.open) {
      const item = this.cards.get(this.open);
      item.firstChild.setAttribute("aria-expanded", "false");
      item.querySelector(".more")?.remove();
    }
    this.open = photo;
    if (!photo) return;
    const item = this.cards.get(photo);
    item.firstChild.setAttribute("aria-expanded", "true");
    item.append(this.details(photo));
    const inner = item.getBoundingClientRect(), side = document.getElementById("side"), outer = side.getBoundingClientRect();
    const head = document.getElementById("filters").offsetHeight;
    if (inner.top < outer.top + head || inner.bottom > outer.bottom) side.scrollTop += inner.top - outer.top - head;
  }
  details(photo) {
    const more = make("div", "more");
    const group = (title, rows) => {
      if (!rows.length) return;
      more.append(make("h3", "", title));
      for (const [name, p] of rows) more.append(bar(p, name));
    };
    group("Country", photo.countries.map(([, name, p]) => [name, p]));
    group("Region", photo.regions.map(([, name, p]) => [name, p]));
    group("District", photo.districts.map(([, name, p]) => [name, p]));
    group("City", photo.cities.map(([name, country, p]) => [`${name}, ${country}`, p]));
    if (photo.hypotheses.length > 1) group("Either", photo.hypotheses.map(([name, , , p]) => [name, p]));
    group("Alike among yours", photo.matches.map(([name, , , share]) => [name.split("/").pop(), share]));
    group("Scene", photo.scene ? [photo.scene] : []);
    const facts = make("dl"), fact = (name, text) => facts.append(make("dt", "", name), make("dd", "", text));
    if (photo.point) {
      fact("Point", `${photo.point.lat}, ${photo.point.lon}`);
      for (const [level, km] of Object.entries(photo.radius)) fact(`${level} % within`, kilometres(km));
    }
    if (photo.spoke) fact("Answered by", `the network of the scene ${photo.spoke}`);
    if (photo.why) fact(photo.point ? "Note" : "No point", photo.why);
    if (photo.exif && photo.exif.lat !== null && photo.exif.lon !== null) {
      const off = photo.exif.distance_km;
      fact("File’s GPS", `${photo.exif.lat.toFixed(4)}, ${photo.exif.lon.toFixed(4)}` + (off === null ? "" : ` (${kilometres(off)} from the estimate)`));
    }
    if (photo.exif && photo.exif.captured_at) fact("Taken", photo.exif.captured_at);
    fact("File", photo.photo);
    more.append(make("h3", "", "Details"), facts);
    return more;
  }
  arrange(photos) {
    this.node.replaceChildren(...photos.map((photo) => this.cards.get(photo)));
    document.getElementById("none").hidden = photos.length > 0;
  }
  key(event) {
    const step = { ArrowDown: "nextSibling", ArrowUp: "previousSibling" }[event.key];
    const item = event.target.closest("li"), next = step && item && item[step];
    if (step && item) event.preventDefault();
    if (next) next.firstChild.focus();
    if (event.key === "Home" || event.key === "End") {
      event.preventDefault();
      this.node[event.key === "Home" ? "firstChild" : "lastChild"].firstChild.focus();
    }
  }
}
