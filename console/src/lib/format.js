// Numbers, times and sentences as people read them. Times are UTC: partners sit in many zones and logs say UTC.

const pad = (n) => String(n).padStart(2, '0');

export function clockTime(date) {
  return `${pad(date.getUTCHours())}:${pad(date.getUTCMinutes())}:${pad(date.getUTCSeconds())}`;
}

// "22:14:05" for today, "11-20 22:14" for before.
export function shortTime(text, now = new Date()) {
  if (!text) return '';
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) return text;
  if (date.toISOString().slice(0, 10) === now.toISOString().slice(0, 10)) return clockTime(date);
  return `${pad(date.getUTCMonth() + 1)}-${pad(date.getUTCDate())} ${pad(date.getUTCHours())}:${pad(date.getUTCMinutes())}`;
}

export function longTime(text) {
  if (!text) return '—';
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) return text;
  return `${date.toISOString().slice(0, 10)} ${clockTime(date)} UTC`;
}

export function ago(text, now) {
  if (!text) return 'never';
  const seconds = Math.max(0, Math.round((now - new Date(text).getTime()) / 1000));
  if (seconds < 5) return 'now';
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86400)} d ago`;
}

export function number(value, digits = 0) {
  if (value === null || value === undefined) return '—';
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)} M`;
  if (value >= 1e4) return `${(value / 1e3).toFixed(1)} k`;
  return value.toLocaleString('en', { maximumFractionDigits: digits });
}

export function delay(ms) {
  if (ms === null || ms === undefined) return '—';
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.round(ms / 60_000)} min`;
}

export function plural(count, one, many = `${one}s`) {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}

// A shown value must not become a link or a look-up by accident when it is copied into a chat.
export function defang(kind, text) {
  if (!text) return '';
  if (['url', 'domain-name', 'ipv4-addr', 'email-addr'].includes(kind)) return text.replace(/^http/i, 'hxxp').replaceAll('.', '[.]');
  return text;
}

const KIND_NAMES = {
  'ipv4-addr': 'IPv4', 'ipv6-addr': 'IPv6', 'domain-name': 'domain', url: 'URL', 'email-addr': 'e-mail',
  'file:hashes.MD5': 'MD5', 'file:hashes.SHA-1': 'SHA-1', 'file:hashes.SHA-256': 'SHA-256', 'file:hashes.SHA-512': 'SHA-512',
  "file:hashes.'SHA-1'": 'SHA-1', "file:hashes.'SHA-256'": 'SHA-256', "file:hashes.'SHA-512'": 'SHA-512',
  'mac-addr': 'MAC', 'file:name': 'file name', 'windows-registry-key': 'registry key', 'windows-registry-key:key': 'registry key',
  mutex: 'mutex', 'mutex:name': 'mutex', 'user-agent': 'user agent',
};
export function kindName(kind) {
  return KIND_NAMES[kind] ?? kind ?? '';
}

export const VERDICTS = {
  open: { word: 'open', long: 'Open' },
  true: { word: 'true', long: 'True positive', key: 't' },
  false: { word: 'false', long: 'False positive', key: 'f' },
  benign: { word: 'benign', long: 'Benign', key: 'b' },
};

export const LEVELS = {
  high: { word: 'High', why: 'confidence 70 or more' },
  medium: { word: 'Medium', why: 'confidence 30 to 69, or not stated' },
  low: { word: 'Low', why: 'confidence under 30' },
  doubtful: { word: 'Doubtful', why: 'the value stands in a warning list' },
};

export const PHASES = {
  live: { word: 'live', tone: 'good' },
  catching_up: { word: 'catching up', tone: 'busy' },
  connecting: { word: 'connecting', tone: 'busy' },
  backing_off: { word: 'retrying', tone: 'bad' },
  refused: { word: 'refused', tone: 'bad' },
  suspended: { word: 'suspended', tone: 'bad' },
  stopped: { word: 'stopped', tone: 'off' },
  idle: { word: 'idle', tone: 'off' },
};
const WORST = ['suspended', 'refused', 'backing_off', 'connecting', 'catching_up', 'live', 'idle', 'stopped'];

// One word for a member with several links: the one that wants looking at first.
export function memberPhase(member) {
  if (member.stopped) return 'stopped';
  if (member.links.length === 0) return 'idle';
  return member.links.map((l) => l.phase).sort((a, b) => WORST.indexOf(a) - WORST.indexOf(b))[0];
}

export function memberDelay(member) {
  const delays = member.links.map((l) => l.delay_ms).filter((d) => d !== null && d !== undefined);
  return delays.length ? Math.max(...delays) : null;
}

export function lastHeard(member) {
  return member.links.map((l) => l.last_heard).filter(Boolean).sort().at(-1) ?? null;
}
