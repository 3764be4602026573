// Writes src/lib/countries.json: ISO 3166-1 alpha-2 → [name, longitude, latitude] of the middle of the country's largest part, and
// its numeric code as it stands in world-atlas. Run by hand when a package changes: node scripts/make-countries.mjs
import { readFileSync, writeFileSync } from 'node:fs';
import { geoArea, geoCentroid } from 'd3-geo';
import { feature } from 'topojson-client';

const codes = JSON.parse(readFileSync(new URL('../node_modules/i18n-iso-countries/codes.json', import.meta.url)));
const atlas = JSON.parse(readFileSync(new URL('../node_modules/world-atlas/countries-50m.json', import.meta.url)));
const alpha2 = new Map(codes.map(([two, , numeric]) => [numeric, two.toLowerCase()]));
const out = {};
for (const country of feature(atlas, atlas.objects.countries).features) {
  const code = alpha2.get(country.id);
  if (!code) continue;
  const parts = country.geometry.type === 'Polygon' ? [country.geometry.coordinates] : country.geometry.coordinates;
  const areas = parts.map((coordinates) => geoArea({ type: 'Polygon', coordinates }));
  const largest = parts[areas.indexOf(Math.max(...areas))];
  const [lon, lat] = geoCentroid({ type: 'Polygon', coordinates: largest });
  if (out[code]) continue;
  out[code] = [country.properties.name, Math.round(lon * 100) / 100, Math.round(lat * 100) / 100, country.id];
}
const sorted = Object.keys(out).sort();
writeFileSync(
  new URL('../src/lib/countries.json', import.meta.url),
  '{\n' + sorted.map((code) => `  ${JSON.stringify(code)}: ${JSON.stringify(out[code])}`).join(',\n') + '\n}\n',
);
console.log(`${sorted.length} countries`);
