// Times and names as the desk shows them.

const pad = (n) => String(n).padStart(2, '0');

// "1:05:09" of drill time.
export function span(ms) {
  const s = Math.floor(Math.abs(ms) / 1000);
  return `${ms < 0 ? '−' : ''}${Math.floor(s / 3600)}:${pad(Math.floor(s / 60) % 60)}:${pad(s % 60)}`;
}

// "12 min", "1 h 05", "40 s".
export function roughly(ms) {
  const s = Math.round(Math.abs(ms) / 1000);
  const sign = ms < 0 ? '−' : '';
  if (s < 60) return `${sign}${s} s`;
  const min = Math.round(s / 60);
  return min < 60 ? `${sign}${min} min` : `${sign}${Math.floor(min / 60)} h ${pad(min % 60)}`;
}

// "lt.substation.kaunas" → "Kaunas"; "lt.link.kaunas-vilnius" → "Kaunas–Vilnius".
export function shortName(name) {
  const last = name.split('.').slice(2).join(' ') || name;
  return last.split(/-(?=[a-z])/).map((w) => w.charAt(0).toUpperCase() + w.slice(1)).join('–');
}

// The country that a thing's name begins with: "lt".
export const countryOf = (name) => /^([a-z]{2})\./.exec(name)?.[1] ?? '';

export const WHY_NOT = {
  conditions: 'its conditions did not come',
  story_ended: 'the story ended',
  not_approved: 'no hand let it go',
  refused: 'refused',
  drill_ended: 'the drill ended',
  chance: 'chance said no',
};

export const STATES = { ready: 'Not begun', running: 'Running', paused: 'Paused', ended: 'Ended' };

export const mw = (value) => (value === null || value === undefined ? '—' : Math.abs(value) < 9.95 ? value.toFixed(1) : Math.round(value).toString());

// What a form asks. A name that is not here has one field for everything.
const FORMS = {
  sitrep: ['Situation: what happened, since when', 'Effects on people and services', 'What is known, and how', 'What is assumed', 'What we do now', 'What we ask of the reader', 'Next report at'],
  decision: ['Decision', 'Reasons', 'What speaks against it', 'Who is told'],
  'incident-report': ['What happened, since when', 'Systems and services', 'Effects, also across borders', 'Suspected cause', 'Measures taken', 'Contact'],
  'press-statement': ['Statement', 'Who may be asked'],
};
export function formFields(name) {
  return FORMS[name] ?? FORMS[Object.keys(FORMS).find((key) => name.includes(key))] ?? ['Text'];
}
const sentence = (name) => name.charAt(0).toUpperCase() + name.slice(1).replaceAll('-', ' ');
export const formTitle = (name) => (name === 'sitrep' ? 'Situation report (SITREP)' : sentence(name));
// "isolate-host" → "Isolate host".
export const stepTitle = sentence;
