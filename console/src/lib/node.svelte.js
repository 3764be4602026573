// What this page knows of its node, kept current by one event stream.
import { get, onSignedOut, post, query, remove } from './api.js';
import { use } from './passkey.js';

const KEEP_ALERTS = 5_000;    // newest ones; older ones are fetched when somebody scrolls there
const KEEP_POINTS = 3_600;    // seconds of rates
const SILENCE_MS = 15_000;    // the node says something every second; so long without is a dead connection
const NOTICES_MS = 15_000;  // how often it is asked what the sensor does not look for, and for a crisis
const BACK_OFF_MS = [1_000, 2_000, 4_000, 8_000, 15_000, 30_000];

class Node {
  // 'starting' | 'out' (log in) | 'in'
  state = $state('starting');
  problem = $state('');             // why the page could not start
  session = $state.raw(null);
  node = $state.raw(null);
  members = $state.raw([]);
  collections = $state.raw([]);
  people = $state.raw([]);
  kinds = $state.raw([]);
  mayStop = $state(false);
  detection = $state.raw({ running: true, aside: [] });  // what the sensor does not look for
  crisis = $state.raw(null);        // that was declared here and lasts
  counts = $state.raw({ total: 0, open: 0, confirmed: 0, false_positive: 0, suppressed: 0 });
  rates = $state.raw({ at: [], events_per_s: [], alerts_per_min: [], admitted_per_s: [], delay_p50_ms: [], delay_p99_ms: [] });
  alerts = $state.raw([]);          // newest first
  moreAlerts = $state(false);
  loadingAlerts = $state(false);
  fresh = $state.raw(new Set());    // ids that came in just now
  admitted = $state(0);             // objects since the page was opened
  now = $state(Date.now());         // the node's clock, by the second

  // 'connecting' | 'live' | 'lost'
  link = $state('connecting');
  retryAt = $state(0);

  #byId = new Map();
  #older = 0;                       // alerts before this one are asked for next
  #queue = new Map();
  #frame = 0;
  #source = null;
  #lastId = null;
  #attempt = 0;
  #retryTimer = 0;
  #watchdog = 0;
  #skew = 0;

  get analyst() {
    return this.session?.role === 'analyst' || this.session?.role === 'operator';
  }
  // The collection of an exercise that this node takes part in, for what is published here; null in everyday life.
  get drill() {
    const all = this.collections.filter((c) => c.exercise && !c.mirror_of);
    return all.find((c) => c.publishable) ?? all[0] ?? null;
  }
  get operator() {
    return this.session?.role === 'operator';
  }

  constructor() {
    onSignedOut(() => this.#signedOut());
    setInterval(() => (this.now = Date.now() + this.#skew), 1_000);
    setInterval(() => this.state === 'in' && this.link === 'live' && this.#askNotices(), NOTICES_MS);
    addEventListener('online', () => this.retryNow());
  }

  async start() {
    try {
      this.session = await get('session');
      await this.#enter();
    } catch (error) {
      if (error.status === 401) this.state = 'out';
      else this.problem = error.message;
    }
  }

  async logIn(token) {
    this.session = await post('session', { token });
    await this.#enter();
  }

  // By a passkey of this host, by the certificate that the browser shows, or by what an OpenID provider said.
  async logInWith(way, said) {
    this.session = way === 'passkey' ? await post('session/passkey', await use(await post('session/passkey/options'))) : await post(`session/${way}`, said);
    await this.#enter();
  }

  async logOut() {
    try {
      await remove('session');
    } finally {
      this.#signedOut();
    }
  }

  #signedOut() {
    this.#closeStream();
    this.session = null;
    this.alerts = [];
    this.#byId.clear();
    this.#lastId = null;
    this.state = 'out';
  }

  async #enter() {
    await this.load();
    this.problem = '';
    this.state = 'in';
    this.#connect();
  }

  async load() {
    const [overview, list] = await Promise.all([get('overview'), get('alerts?limit=500')]);
    this.node = overview.node;
    this.session = overview.session;
    this.members = overview.members;
    this.collections = overview.collections;
    this.people = overview.people;
    this.kinds = overview.kinds;
    this.mayStop = overview.may_stop;
    this.counts = overview.counts;
    this.rates = overview.rates;
    this.#skew = new Date(overview.server_time).getTime() - Date.now();
    this.now = Date.now() + this.#skew;
    this.#askNotices();
    this.#lastId = overview.seq;
    this.#byId = new Map(list.alerts.map((a) => [a.id, a]));
    this.#publishAlerts();
    this.moreAlerts = list.more;
    this.#older = list.next;
  }

  // When it cannot be told, the last that was known stays.
  #askNotices() {
    get('detection').then((said) => (this.detection = said), () => {});
    get('crisis').then((said) => (this.crisis = said.crisis), () => {});
  }

  async loadOlder() {
    if (this.loadingAlerts || !this.moreAlerts || !this.#older) return;
    this.loadingAlerts = true;
    try {
      const list = await get(`alerts?${query({ limit: 500, before: this.#older })}`);
      for (const alert of list.alerts) this.#byId.set(alert.id, alert);
      this.#older = list.next;
      this.moreAlerts = list.more && this.#byId.size < KEEP_ALERTS;
      this.#publishAlerts();
    } finally {
      this.loadingAlerts = false;
    }
  }

  // An alert that the page learned of by asking (a judgement's answer, a detail page).
  put(alert) {
    if (!this.#byId.has(alert.id)) return;
    const { event, history, indicator, event_cut, factors, ...row } = alert;
    this.#byId.set(alert.id, row);
    this.#publishAlerts();
  }

  #publishAlerts() {
    let all = [...this.#byId.values()].sort((a, b) => b.seq - a.seq);
    if (all.length > KEEP_ALERTS) {
      for (const old of all.slice(KEEP_ALERTS)) this.#byId.delete(old.id);
      all = all.slice(0, KEEP_ALERTS);
      this.moreAlerts = true;
      this.#older = all.at(-1).seq;
    }
    this.alerts = all;
  }

  // Alerts that come in a burst are shown once a frame.
  #enqueue(alert) {
    this.#queue.set(alert.id, alert);
    if (this.#frame) return;
    const flush = () => {
      this.#frame = 0;
      const fresh = new Set();
      for (const [id, row] of this.#queue) {
        if (!this.#byId.has(id)) fresh.add(id);
        this.#byId.set(id, row);
      }
      this.#queue.clear();
      this.#publishAlerts();
      if (fresh.size) {
        this.fresh = fresh;
      }
    };
    // Hidden tabs get no frames; they still count.
    this.#frame = document.hidden ? setTimeout(flush, 250) : requestAnimationFrame(flush);
  }

  #connect() {
    this.#closeStream();
    this.link = this.#attempt === 0 ? 'connecting' : 'lost';
    const after = this.#lastId === null ? '' : `?${query({ after: this.#lastId })}`;
    const source = new EventSource(`/api/v1/events${after}`);
    this.#source = source;
    const on = (name, handle) =>
      source.addEventListener(name, (event) => {
        if (source !== this.#source) return;
        if (event.lastEventId) this.#lastId = event.lastEventId;
        this.#heard();
        handle(event.data ? JSON.parse(event.data) : {});
      });
    on('hello', (hello) => {
      this.#attempt = 0;
      this.link = 'live';
      this.#skew = new Date(hello.server_time).getTime() - Date.now();
    });
    on('alert', (alert) => this.#enqueue(alert));
    on('objects', (objects) => (this.admitted += objects.admitted));
    on('members', (members) => (this.members = members));
    on('tick', (tick) => {
      this.counts = tick.counts;
      this.#skew = new Date(tick.server_time).getTime() - Date.now();
      this.#addPoint(tick.rates);
    });
    on('reset', () => this.load().catch(() => this.#lost()));
    on('signed_out', () => this.#signedOut());
    source.onerror = () => {
      if (source === this.#source) this.#lost();
    };
    this.#heard();
  }

  #addPoint(point) {
    if (!point) return;
    const rates = this.rates;
    if (rates.at.length && point.at <= rates.at.at(-1)) return;
    const next = {};
    for (const key of Object.keys(rates)) {
      const column = rates[key].length >= KEEP_POINTS ? rates[key].slice(1) : rates[key].slice();
      column.push(point[key]);
      next[key] = column;
    }
    this.rates = next;
  }

  #heard() {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.#lost(), SILENCE_MS);
  }

  #closeStream() {
    clearTimeout(this.#watchdog);
    clearTimeout(this.#retryTimer);
    this.#source?.close();
    this.#source = null;
  }

  // The browser would try again by itself, but at a fixed pace and without telling: seventy pages of one restarted node must not
  // come back in the same second.
  async #lost() {
    this.#closeStream();
    this.link = 'lost';
    const base = BACK_OFF_MS[Math.min(this.#attempt, BACK_OFF_MS.length - 1)];
    const wait = base * (0.75 + Math.random() * 0.5);
    this.#attempt += 1;
    this.retryAt = Date.now() + wait;
    this.#retryTimer = setTimeout(() => this.#retry(), wait);
  }

  async #retry() {
    // An event source cannot say that the session has ended; an ordinary question can.
    try {
      this.session = await get('session');
    } catch (error) {
      if (error.status === 401) return this.#signedOut();
      return this.#lost();
    }
    this.#connect();
  }

  retryNow() {
    if (this.state !== 'in' || this.link !== 'lost') return;
    clearTimeout(this.#retryTimer);
    this.retryAt = Date.now();
    this.#retry();
  }
}

export const node = new Node();
