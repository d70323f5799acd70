"use strict";
// The map: land, heat, circles and photos on one canvas, drawn anew when something moves.
class WorldMap {
  constructor(canvas, world, photos) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
    this.layers = { far: prepare(world.far), near: prepare(world.near), borders: prepare(world.borders) };
    this.photos = photos.filter((photo) => photo.point);
    // The surest stands for its neighbours where photos lie on one another.
    this.ranked = [...this.photos].sort((a, b) => (a.radius[80] || 1e9) - (b.radius[80] || 1e9));
    this.shown = new Set(this.photos);
    this.view = { lon: 0, y: 0, k: 0 };
    this.showHeat = true;
    this.showCircles = this.photos.length <= 40;
    this.markers = [];
    this.images = new Map();
    this.heatLayer = document.createElement("canvas");
    this.ask = () => { if (!this.asked) this.asked = requestAnimationFrame(() => { this.asked = 0; this.draw(); }); };
    new ResizeObserver(() => this.resize()).observe(canvas);
    document.addEventListener("theme", this.ask);
    this.resize();
  }
  resize() {
    const scale = window.devicePixelRatio || 1, box = this.canvas.getBoundingClientRect();
    if (!box.width || !box.height) return;
    const world = this.view.k && this.view.k <= this.least * 1.01;
    Object.assign(this, { width: box.width, height: box.height, scale });
    this.canvas.width = Math.round(box.width * scale);
    this.canvas.height = Math.round(box.height * scale);
    this.least = Math.min((0.97 * box.width) / (2 * 2.70663), (0.95 * box.height) / (2 * TOP_Y));
    if (!this.view.k || world) this.view.k = this.least;
    this.clamp();
    this.draw(); // at once: a new size wiped the canvas
  }
  clamp() {
    const view = this.view;
    view.k = Math.max(this.least, Math.min(30000, view.k));
    const reach = Math.max(0, TOP_Y - (0.45 * this.height) / view.k);
    view.y = Math.max(-reach, Math.min(reach, view.y));
    view.lon = wrap(view.lon);
  }
  // Screen position of a place; the copy of it that lies on the map.
  place(lat, lon) {
    const { k, y } = this.view;
    return [this.width / 2 + k * stretch(lat) * wrap(lon - this.view.lon) * RAD, this.height / 2 - k * (northing(lat) - y)];
  }
  at(x, y) {
    const up = this.view.y + (this.height / 2 - y) / this.view.k;
    const lat = latitude(Math.max(-TOP_Y, Math.min(TOP_Y, up)));
    return { lat, turn: (x - this.width / 2) / (this.view.k * stretch(lat)) / RAD };
  }
  // Move so that the place which was under (x, y) comes to lie under (toX, toY) at a new zoom.
  carry(x, y, toX, toY, zoom) {
    const { lat, turn } = this.at(x, y), view = this.view;
    const lon = view.lon + Math.max(-180, Math.min(180, turn));
    view.k = Math.max(this.least, Math.min(30000, view.k * zoom));
    view.lon = lon - (toX - this.width / 2) / (view.k * stretch(lat)) / RAD;
    view.y = northing(lat) - (this.height / 2 - toY) / view.k;
    this.clamp();
    this.ask();
  }
  fly(to) {
    const from = { ...this.view }, turn = wrap(to.lon - from.lon), start = performance.now();
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const step = (now) => {
      const t = calm ? 1 : Math.min(1, (now - start) / 420), ease = t * t * (3 - 2 * t);
      this.view = { lon: from.lon + turn * ease, y: from.y + (to.y - from.y) * ease, k: from.k * (to.k / from.k) ** ease };
      this.clamp();
      this.draw();
      this.flight = t < 1 ? requestAnimationFrame(step) : 0;
    };
    cancelAnimationFrame(this.flight);
    step(calm ? start : performance.now());
  }
  world() { this.fly({ lon: 0, y: 0, k: this.least }); }
  // Show a place with the circle of a radius, no closer than a country.
  show(point, km) {
    const half = Math.max(500, km || 0) / RADIUS_KM;
    const k = Math.max(this.least, (0.4 * Math.min(this.width, this.height)) / half);
    this.fly({ lon: k <= this.least ? this.view.lon : point.lon, y: northing(point.lat), k });
  }
  colours() {
    const style = getComputedStyle(document.documentElement);
    return new Proxy({}, { get: (_, name) => style.getPropertyValue(`--${name}`).trim() });
  }
  draw() {
    const { pen, width, height, scale } = this, ink = this.colours();
    if (!width) return;
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.save();
    this.globe();
    pen.fillStyle = ink.sea;
    pen.fill();
    pen.clip();
    this.net(ink);
    this.land(ink);
    if (this.showHeat) this.heat(ink);
    this.circles(ink);
    pen.restore();
    this.globe();
    pen.strokeStyle = ink.coast;
    pen.lineWidth = 0.8;
    pen.stroke();
    this.pins(ink);
  }
  globe() {
    const { pen, view } = this;
    pen.beginPath();
    for (const side of [1, -1]) {
      for (let i = -45; i <= 45; i++) {
        const lat = 2 * i * side;
        pen.lineTo(this.width / 2 + side * view.k * stretch(lat) * Math.PI, this.height / 2 - view.k * (northing(lat) - view.y));
      }
    }
    pen.closePath();
  }
  net(ink) {
    const { pen, view } = this, step = view.k > 12 * this.least ? 5 : view.k > 3 * this.least ? 10 : 30;
    pen.beginPath();
    for (let lon = -180; lon < 180; lon += step) {
      const offset = wrap(lon - view.lon) * RAD;
      for (let lat = -90; lat <= 90; lat += 3) {
        const x = this.width / 2 + view.k * stretch(lat) * offset, y = this.height / 2 - view.k * (northing(lat) - view.y);
        if (lat === -90) pen.moveTo(x, y); else pen.lineTo(x, y);
      }
    }
    for (let lat = -90 + step; lat < 90; lat += step) {
      const y = this.height / 2 - view.k * (northing(lat) - view.y);
      pen.moveTo(0, y);
      pen.lineTo(this.width, y);
    }
    pen.strokeStyle = ink.net;
    pen.lineWidth = 0.7;
    pen.stroke();
  }
  land(ink) {
    const { pen } = this, layer = this.view.k > 2.2 * this.least ? this.layers.near : this.layers.far;
    const fill = new Path2D(), coast = new Path2D(), borders = new Path2D();
    this.trace(layer, fill, coast);
    this.trace(this.layers.borders, null, borders);
    pen.fillStyle = pen.strokeStyle = ink.land;
    pen.lineWidth = 0.8; // closes the seam where rings were cut at the antimeridian
    pen.fill(fill, "evenodd");
    pen.stroke(fill);
    pen.strokeStyle = ink.border;
    pen.lineWidth = 0.7;
    pen.stroke(borders);
    pen.strokeStyle = ink.coast;
    pen.stroke(coast);
  }
  trace(layer, fill, line) {
    const { view, width, height } = this, k = view.k, cx = width / 2, cy = height / 2;
    for (const ring of layer) {
      if (cy - k * (ring.low - view.y) < -2 || cy - k * (ring.high - view.y) > height + 2) continue;
      for (const shift of [-360, 0, 360]) {
        const west = ring.west + shift - view.lon, east = ring.east + shift - view.lon;
        if (east < -180 || west > 180) continue;
        const reach = (value) => cx + k * value * RAD * (value > 0 ? ring.least : ring.most);
        if (reach(west) > width + 2 || cx + k * east * RAD * (east > 0 ? ring.most : ring.least) < -2) continue;
        let cut = true;
        for (let i = 0; i < ring.f.length; i++) {
          const x = cx + k * ring.f[i] * (ring.lon[i] + shift - view.lon) * RAD, y = cy - k * (ring.y[i] - view.y);
          if (fill) { if (i) fill.lineTo(x, y); else fill.moveTo(x, y); }
          if (cut) line.moveTo(x, y); else line.lineTo(x, y);
          cut = ring.edge[i] && ring.edge[i + 1];
        }
        if (fill) fill.closePath();
      }
    }
  }
  heat(ink) {
    const photos = this.chosen ? [this.chosen] : [...this.shown], sums = new Map();
    for (const photo of photos) {
      for (const [lat, lon, p] of photo.cells) {
        const key = `${lat} ${lon}`, sum = sums.get(key);
        if (sum) sum.p += p; else sums.set(key, { lat, lon, p });
      }
    }
    const cells = [...sums.values()].sort((a, b) => b.p - a.p).slice(0, 3000);
    if (!cells.length) return;
    const part = 3, layer = this.heatLayer, brush = layer.getContext("2d");
    layer.width = Math.ceil(this.width / part);
    layer.height = Math.ceil(this.height / part);
    const px = Math.max(16, (this.view.k * 420) / RADIUS_KM) / part;
    const sprite = glow(ink.heat, Math.min(128, Math.ceil(px)));
    for (const cell of cells) {
      const [x, y] = this.place(cell.lat, cell.lon);
      brush.globalAlpha = Math.sqrt(cell.p / cells[0].p);
      brush.drawImage(sprite, x / part - px, y / part - px, 2 * px, 2 * px);
    }
    this.pen.globalAlpha = 0.62;
    this.pen.drawImage(layer, 0, 0, this.width, this.height);
    this.pen.globalAlpha = 1;
  }
  circles(ink) {
    const all = this.showCircles ? this.ranked.filter((photo) => this.shown.has(photo)) : [];
    const { pen } = this;
    pen.strokeStyle = ink.accent;
    for (const photo of all) {
      if (photo === this.chosen) continue;
      pen.globalAlpha = this.chosen ? 0.18 : Math.max(0.16, 0.6 / Math.sqrt(all.length));
      this.circle(photo, 90, [4, 4], null, 1);
      this.circle(photo, 50, [], null, 1);
    }
    pen.globalAlpha = 1;
    if (!this.chosen || !this.chosen.point) return;
    this.circle(this.chosen, 90, [6, 5], ink["accent-soft"], 1.6);
    this.circle(this.chosen, 50, [], ink["accent-soft"], 2.2);
  }
  circle(photo, level, dash, fill, thick) {
    const km = photo.radius[level];
    if (!km) return;
    const { pen } = this, shape = cap(photo.point.lat, photo.point.lon, km);
    const area = new Path2D(), edge = new Path2D();
    if (shape.whole) area.rect(0, 0, this.width, this.height);
    const line = shape.line || shape.hole;
    if (line) this.loop(line, shape.pole || 0, area, edge);
    if (fill) { pen.fillStyle = fill; pen.fill(area, "evenodd"); }
    pen.setLineDash(dash);
    pen.lineWidth = thick;
    pen.stroke(edge);
    pen.setLineDash([]);
  }
  loop(line, pole, area, edge) {
    const { view, width, height } = this, k = view.k, n = line.length;
    const first = view.lon + wrap(line[0] - view.lon) - line[0], turn = line[n - 2] - line[0];
    const x = (lon, lat) => width / 2 + k * stretch(lat) * (lon - view.lon) * RAD;
    const y = (lat) => height / 2 - k * (northing(lat) - view.y);
    // A ring around a pole is one line right across the map: three turns, closed along the pole.
    const turns = pole ? [-2, -1, 0, 1, 2].map((t) => t * turn) : [-360, 0, 360];
    turns.forEach((shift, number) => {
      for (let i = 0; i < n; i += 2) {
        const px = x(line[i] + first + shift, line[i + 1]), py = y(line[i + 1]);
        if (i === 0 && !(pole && number)) { area.moveTo(px, py); edge.moveTo(px, py); }
        else { area.lineTo(px, py); edge.lineTo(px, py); }
      }
      if (!pole) area.closePath();
    });
    if (!pole) return;
    const end = line[n - 2] + first + 2 * turn, start = line[0] + first - 2 * turn;
    area.lineTo(x(end, line[n - 1]), y(pole) - Math.sign(pole) * 9);
    area.lineTo(x(start, line[1]), y(pole) - Math.sign(pole) * 9);
    area.closePath();
  }
  // Photos that lie on one another on the screen share a pin.
  pins(ink) {
    const grid = new Map(), size = 46;
    this.markers = [];
    for (const photo of this.ranked) {
      if (!this.shown.has(photo)) continue;
      const [x, y] = this.place(photo.point.lat, photo.point.lon);
      if (x < -60 || y < -60 || x > this.width + 60 || y > this.height + 100) continue;
      const gx = Math.round(x / size), gy = Math.round(y / size);
      let found = null;
      for (let i = gx - 1; i <= gx + 1 && !found; i++) {
        for (let j = gy - 1; j <= gy + 1 && !found; j++) {
          const other = grid.get(`${i},${j}`);
          if (other && Math.hypot(other.x - x, other.y - y) < size) found = other;
        }
      }
      if (found) { found.photos.push(photo); continue; }
      const marker = { x, y, photos: [photo] };
      grid.set(`${gx},${gy}`, marker);
      this.markers.push(marker);
    }
    const last = this.markers.find((marker) => marker.photos.includes(this.chosen));
    for (const marker of [...this.markers].sort((a, b) => a.y - b.y)) if (marker !== last) this.pin(marker, ink, false);
    if (this.chosen) this.others(this.chosen, ink);
    if (this.chosen) this.alike(this.chosen, ink);
    if (this.chosen && this.chosen.exif && this.chosen.exif.lat !== null) this.truth(this.chosen, ink);
    if (last) {
      const [x, y] = this.place(this.chosen.point.lat, this.chosen.point.lon);
      this.pin({ x, y, photos: [this.chosen, ...last.photos.filter((photo) => photo !== this.chosen)] }, ink, true);
    }
  }
  pin({ x, y, photos }, ink, chosen) {
    const { pen } = this, half = chosen ? 25 : 19, top = y - 2 * half - 11;
    pen.save();
    if (this.chosen && !chosen) pen.globalAlpha = 0.6;
    pen.fillStyle = chosen ? ink.accent : ink.raised;
    pen.shadowColor = "#0006";
    pen.shadowBlur = 6;
    pen.shadowOffsetY = 1;
    pen.beginPath();
    pen.roundRect(x - half - 2.5, top - 2.5, 2 * half + 5, 2 * half + 5, 7);
    pen.moveTo(x - 6, top + 2 * half + 2);
    pen.lineTo(x, y - 3);
    pen.lineTo(x + 6, top + 2 * half + 2);
    pen.fill();
    pen.shadowColor = "transparent";
    const image = this.image(photos[0]);
    pen.save();
    pen.beginPath();
    pen.roundRect(x - half, top, 2 * half, 2 * half, 5);
    pen.clip();
    pen.fillStyle = ink.track;
    pen.fillRect(x - half, top, 2 * half, 2 * half);
    if (image) {
      const side = Math.min(image.naturalWidth, image.naturalHeight);
      pen.drawImage(image, (image.naturalWidth - side) / 2, (image.naturalHeight - side) / 2, side, side, x - half, top, 2 * half, 2 * half);
    }
    pen.restore();
    pen.fillStyle = ink.accent;
    pen.strokeStyle = ink.raised;
    pen.lineWidth = 1.5;
    pen.beginPath();
    pen.arc(x, y, 4, 0, 7);
    pen.fill();
    pen.stroke();
    if (photos.length > 1) this.badge(x + half, top, photos.length, ink);
    pen.restore();
  }
  badge(x, y, count, ink) {
    const { pen } = this, text = count > 999 ? `${Math.round(count / 100) / 10}k` : String(count);
    pen.font = "600 11px system-ui, sans-serif";
    const wide = Math.max(18, pen.measureText(text).width + 9);
    pen.fillStyle = ink.accent;
    pen.beginPath();
    pen.roundRect(x - wide / 2, y - 9, wide, 18, 9);
    pen.fill();
    pen.fillStyle = ink["on-accent"];
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillText(text, x, y + 0.5);
  }
  // Places far from the point that it was chosen over: the larger, the likelier.
  others(photo, ink) {
    const { pen } = this;
    pen.fillStyle = ink.raised;
    pen.strokeStyle = ink.accent;
    pen.lineWidth = 2;
    for (const [, lat, lon, p] of photo.hypotheses.slice(1)) {
      const [x, y] = this.place(lat, lon);
      pen.beginPath();
      pen.arc(x, y, 3 + 7 * Math.sqrt(p), 0, 7);
      pen.fill();
      pen.stroke();
    }
  }
  // Places of the user's photos that look like this one: the larger, the more it counted.
  alike(photo, ink) {
    const { pen } = this;
    pen.fillStyle = ink.raised;
    pen.strokeStyle = ink.accent;
    pen.lineWidth = 2;
    for (const [, lat, lon, share] of photo.matches) {
      const [x, y] = this.place(lat, lon), half = 2.5 + 4 * Math.sqrt(share);
      pen.beginPath();
      pen.rect(x - half, y - half, 2 * half, 2 * half);
      pen.fill();
      pen.stroke();
    }
  }
  truth(photo, ink) {
    const { pen } = this, [x, y] = this.place(photo.exif.lat, photo.exif.lon);
    pen.save();
    pen.translate(x, y);
    pen.rotate(Math.PI / 4);
    pen.strokeStyle = ink.raised;
    pen.lineWidth = 5;
    pen.strokeRect(-5, -5, 10, 10);
    pen.strokeStyle = ink.truth;
    pen.lineWidth = 2.5;
    pen.strokeRect(-5, -5, 10, 10);
    pen.restore();
  }
  image(photo) {
    if (!photo.thumb) return null;
    let image = this.images.get(photo);
    if (!image) {
      image = new Image();
      image.onload = this.ask;
      image.src = photo.thumb;
      this.images.set(photo, image);
    }
    return image.complete && image.naturalWidth ? image : null;
  }
  hit(x, y) {
    let best = null;
    for (const marker of this.markers) {
      const inside = Math.abs(x - marker.x) < 24 && y < marker.y + 9 && y > marker.y - 54;
      if (inside && (!best || marker.y > best.y)) best = marker;
    }
    return best;
  }
}
// What does not change when the map moves: stretch and northing of every corner.
function prepare(text) {
  return unpack(text).map(({ points, west, east, south, north }) => {
    const n = points.length / 2, lon = new Float64Array(n), f = new Float64Array(n), y = new Float64Array(n), edge = new Uint8Array(n + 1);
    let least = 9, most = 0;
    for (let i = 0; i < n; i++) {
      lon[i] = points[2 * i];
      const lat = points[2 * i + 1];
      f[i] = stretch(lat);
      y[i] = northing(lat);
      edge[i] = Math.abs(lon[i]) > 179.98 || lat < -89.9 ? 1 : 0;
      least = Math.min(least, f[i]);
      most = Math.max(most, f[i]);
    }
    return { lon, f, y, edge, west, east, low: northing(south), high: northing(north), least, most };
  });
}
const glows = new Map();
function glow(colour, radius) {
  const key = `${colour} ${radius}`;
  if (glows.has(key)) return glows.get(key);
  const canvas = document.createElement("canvas"), pen = canvas.getContext("2d");
  canvas.width = canvas.height = 2 * radius;
  const shade = pen.createRadialGradient(radius, radius, 0, radius, radius, radius);
  for (let i = 0; i <= 10; i++) shade.addColorStop(i / 10, `rgba(${colour}, ${0.95 * Math.exp(-4.5 * (i / 10) ** 2) * (1 - (i / 10) ** 4)})`);
  pen.fillStyle = shade;
  pen.fillRect(0, 0, 2 * radius, 2 * radius);
  glows.clear();
  glows.set(key, canvas);
  return canvas;
}
