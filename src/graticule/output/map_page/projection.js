"use strict";
// The Equal Earth projection (Šavrič, Patterson, Jenny 2019) and circles on the sphere. x is linear in
// longitude, so the map turns by moving the central meridian, and shapes past the edge continue.
const RADIUS_KM = 6371.0088, RAD = Math.PI / 180, M = Math.sqrt(3) / 2;
const A1 = 1.340264, A2 = -0.081106, A3 = 0.000893, A4 = 0.003796;
const TOP_Y = 1.3173627591574;

function slope(theta) {
  const s = theta * theta, six = s * s * s;
  return A1 + 3 * A2 * s + six * (7 * A3 + 9 * A4 * s);
}
// Plane units for one radian of longitude at a latitude.
function stretch(lat) {
  const theta = Math.asin(M * Math.sin(lat * RAD));
  return Math.cos(theta) / (M * slope(theta));
}
function northing(lat) {
  const theta = Math.asin(M * Math.sin(lat * RAD)), s = theta * theta, six = s * s * s;
  return theta * (A1 + A2 * s + six * (A3 + A4 * s));
}
function latitude(y) {
  let theta = Math.max(-TOP_Y, Math.min(TOP_Y, y)) / A1;
  for (let i = 0; i < 9; i++) {
    const s = theta * theta, six = s * s * s;
    theta -= (theta * (A1 + A2 * s + six * (A3 + A4 * s)) - y) / slope(theta);
  }
  return Math.asin(Math.max(-1, Math.min(1, Math.sin(theta) / M))) / RAD;
}
const wrap = (lon) => ((((lon + 180) % 360) + 360) % 360) - 180;

function distanceKm(a, b) {
  const dLat = (b.lat - a.lat) * RAD, dLon = (b.lon - a.lon) * RAD;
  const h = Math.sin(dLat / 2) ** 2 + Math.cos(a.lat * RAD) * Math.cos(b.lat * RAD) * Math.sin(dLon / 2) ** 2;
  return 2 * RADIUS_KM * Math.asin(Math.min(1, Math.sqrt(h)));
}
// The places `km` from a point as [lon, lat, lon, lat …], longitudes going on past ±180.
function ring(lat, lon, km, corners) {
  const out = new Float64Array(2 * (corners + 1)), delta = km / RADIUS_KM;
  const sin1 = Math.sin(lat * RAD), cos1 = Math.cos(lat * RAD), sinD = Math.sin(delta), cosD = Math.cos(delta);
  let before = lon;
  for (let i = 0; i <= corners; i++) {
    const bearing = (2 * Math.PI * i) / corners;
    const sin2 = Math.max(-1, Math.min(1, sin1 * cosD + cos1 * sinD * Math.cos(bearing)));
    let l = lon + Math.atan2(Math.sin(bearing) * sinD * cos1, cosD - sin1 * sin2) / RAD;
    if (i) l += 360 * Math.round((before - l) / 360);
    before = l;
    out[2 * i] = l;
    out[2 * i + 1] = Math.asin(sin2) / RAD;
  }
  return out;
}
// What a circle covers: a ring; a ring that runs once around the map and is closed along a pole;
// the Earth without a hole; or all of it.
function cap(lat, lon, km, corners = 120) {
  const reach = km / RADIUS_KM / RAD;
  if (reach >= 180 - 1e-9) return { whole: true };
  const north = reach > 90 - lat, south = reach > 90 + lat;
  if (north && south) {
    return { whole: true, hole: ring(-lat, lon + 180, Math.PI * RADIUS_KM - km, corners) };
  }
  return { line: ring(lat, lon, km, corners), pole: north ? 90 : south ? -90 : 0 };
}
// Rings packed by output/html.py: counts and coordinate steps in hundredths of a degree, as
// zigzag varints in base64. Returns rings [lon, lat, …] with their boxes.
function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  let at = 0;
  const next = () => {
    let value = 0, shift = 1, byte;
    do { byte = bytes[at++]; value += (byte & 127) * shift; shift *= 128; } while (byte & 128);
    return value % 2 ? -(value + 1) / 2 : value / 2;
  };
  const rings = [];
  while (at < bytes.length) {
    const n = next(), points = new Float64Array(2 * n);
    let x = 0, y = 0, west = 180, east = -180, south = 90, north = -90;
    for (let i = 0; i < n; i++) {
      x += next(); y += next();
      const lon = x / 100, lat = y / 100;
      points[2 * i] = lon; points[2 * i + 1] = lat;
      west = Math.min(west, lon); east = Math.max(east, lon); south = Math.min(south, lat); north = Math.max(north, lat);
    }
    rings.push({ points, west, east, south, north });
  }
  return rings;
}
