// DuckDB as a rival of a hunt: stored events as a table of columns in memory, and a thousand values joined with each of them.
//
//   node bench/hunt_rival.mjs VALUES LOG COLUMN…      (a value a line; one thread; seconds and milliseconds of CPU, the best of ten)
//
// hunt_bench measures the hunt. DuckDB looks at the columns that are named and at whole values; a hunt at every field, subdomains, words of text, networks, and makes alerts.
import { DuckDBInstance } from '@duckdb/node-api';

const [values, log, ...columns] = process.argv.slice(2);
if (columns.length === 0) { console.error('usage: node bench/hunt_rival.mjs VALUES LOG COLUMN…'); process.exit(2); }
const quoted = (text) => `'${text.replaceAll("'", "''")}'`;
const cpu = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1e3; };
const instance = await DuckDBInstance.create(':memory:', { threads: '1', memory_limit: '8GB', temp_directory: '' });
const db = await instance.connect();
await db.run(`CREATE TABLE list AS SELECT DISTINCT value FROM read_csv(${quoted(values)}, header=false, delim='\t', quote='', escape='', auto_detect=false, columns={'value':'VARCHAR'})`);
const begin = cpu();
const types = columns.map((c) => `${quoted(c)}:'VARCHAR'`).join(', ');
await db.run(`CREATE TABLE log AS SELECT row_number() OVER () AS line, * FROM read_ndjson(${quoted(log)}, columns={${types}}, ignore_errors=true, maximum_object_size=4194304)`);
const loaded = cpu() - begin;
const joins = columns.map((c) => `SELECT line FROM log JOIN list ON log."${c}" = list.value`).join(' UNION ALL ');
let best = Infinity, found = 0;
for (let n = 0; n < 10; ++n) {
  const start = cpu();
  found = (await db.runAndReadAll(`SELECT DISTINCT line FROM (${joins})`)).getRows().length;
  best = Math.min(best, cpu() - start);
}
const count = async (table) => Number((await db.runAndReadAll(`SELECT count(*) FROM ${table}`)).getRows()[0][0]);
console.log(`${await count('log')} events loaded in ${(loaded / 1e3).toFixed(2)} s; ${await count('list')} values in ${columns.length} columns: ${best.toFixed(1)} ms, ${found} events`);
