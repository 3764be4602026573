// DuckDB as a rival of `bongsu match`: the log's columns into a table, the list's values into another, and a join on each column.
//
//   node bench/lib/duckdb.mjs VALUES LOG COLUMN… > lines      (numbers of lines, rising; one thread, 8 GB)
//
// What it finds are equalities of whole columns, addresses and names as they are written in lower case: no subdomains, networks, URLs, or words of free text.
import { DuckDBInstance } from '@duckdb/node-api';

const [values, log, ...columns] = process.argv.slice(2);
const quoted = (text) => `'${text.replaceAll("'", "''")}'`;
const instance = await DuckDBInstance.create(':memory:', { threads: '1', memory_limit: '8GB', temp_directory: '' });
const db = await instance.connect();
await db.run(`CREATE TABLE list AS SELECT DISTINCT value FROM read_csv(${quoted(values)}, header=false, delim='\t', quote='', escape='', auto_detect=false, max_line_size=65536, columns={'value':'VARCHAR'})`);
const types = columns.map((c) => `${quoted(c)}:'VARCHAR'`).join(', ');
await db.run(`CREATE TABLE log AS SELECT row_number() OVER () AS line, * FROM read_ndjson(${quoted(log)}, columns={${types}}, ignore_errors=true, maximum_object_size=4194304)`);
const joins = columns.map((c) => `SELECT line FROM log JOIN list ON lower(log."${c}") = list.value`).join(' UNION ALL ');
const rows = (await db.runAndReadAll(`SELECT DISTINCT line FROM (${joins}) ORDER BY line`)).getRows();
process.stdout.write(rows.map(([line]) => `${line}\n`).join(''));
