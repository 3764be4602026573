// What this page knows of the drill: who asks, the clock, the log, and the teams' desks; kept current by one event stream.
import { counting, injectStates } from './log.js';
import { get, onSignedOut, post, query, remove } from './api.js';

const SILENCE_MS = 25_000; // two heartbeats of the stream
const BACK_OFF_MS = [1_000, 2_000, 4_000, 8_000, 15_000];
const LOG_PAGE = 1_000;
const SETTLE_MS = 250;     // entries come in bursts: lists are asked for once

class DeskState {
  // 'starting' | 'out' | 'in'
  state = $state('starting');
  problem = $state('');
  account = $state('');
  clock = $state.raw({});
  info = $state.raw({ teams: [], injects: [], waiting: [] });
  program = $state.raw(null);    // control and observers
  teams = $state.raw({});        // by name: what its desk shows
  seat = $state.raw(null);       // what a role outside teams is shown
  log = $state.raw([]);
  link = $state('connecting');   // 'connecting' | 'live' | 'lost'
  drafts = $state({});           // of forms and grades: what was typed and not handed in
  grader = $state('');           // who grades and judges at this page
  watched = $state('');          // the team whose desk is on the screen
  next = 0;                      // the log is known up to here

  counted = $derived(counting(this.log));
  injects = $derived(injectStates(this.counted));
  white = $derived(this.account === 'white');
  grades = $derived(this.white || this.account.startsWith('grader/'));
  seesAll = $derived(this.grades || this.account === 'observer');
  ownRole = $derived(this.account.startsWith('role/') ? this.account.slice(5) : ''); // outside teams
  ownTeam = $derived(this.account.startsWith('team/') ? this.account.slice(5) : '');
  start = $derived(this.clock.time ? Date.parse(this.clock.time) - this.clock.now_ms : 0);

  #source = null;
  #pending = [];
  #frame = 0;
  #settle = 0;
  #watchdog = 0;
  #retry = 0;
  #attempt = 0;

  constructor() {
    onSignedOut(() => this.#out());
  }

  async begin() {
    try {
      this.account = (await get('session')).account;
      await this.#enter();
    } catch (error) {
      if (error.status === 401) this.state = 'out';
      else this.problem = error.message;
    }
  }
  async logIn(token) {
    this.account = (await post('session', { token })).account;
    await this.#enter();
  }
  async logOut() {
    try {
      await remove('session');
    } finally {
      this.#out();
    }
  }
  #out() {
    this.#close();
    this.log = [];
    this.teams = {};
    this.seat = null;
    this.program = null;
    this.account = '';
    this.drafts = {};
    this.state = 'out';
  }

  async #enter() {
    await this.refresh();
    if (this.seesAll) this.program = await get('program');
    await this.#readLog();
    this.problem = '';
    this.state = 'in';
    this.#connect();
  }
  async #readLog() {
    const entries = [];
    for (let after = 0, more = true; more; ) {
      const page = await get(`log?${query({ after, limit: LOG_PAGE })}`);
      entries.push(...page.entries);
      after = page.next;
      more = page.more;
      this.next = after;
    }
    this.log = entries;
  }
  // Lists that entries change. The stream brings the entries themselves.
  async refresh() {
    const info = await get('state');
    this.info = info;
    this.clock = info;
    if (this.watched) await this.loadTeam(this.watched);
    if (this.ownRole) this.seat = await get(`role/${encodeURIComponent(this.ownRole)}`);
  }
  async loadTeam(name) {
    const team = await get(`team/${encodeURIComponent(name)}`);
    this.teams = { ...this.teams, [name]: team };
  }
  range = (name, what = '') => get(`team/${encodeURIComponent(name)}/range${what}`);

  // What somebody does; the lists are current when it returns.
  async act(path, body) {
    const done = await post(path, body);
    await this.refresh();
    return done;
  }

  realTime(at_ms) {
    return new Date(this.start + at_ms);
  }
  hour(at_ms, seconds = false) {
    return this.realTime(at_ms).toISOString().slice(11, seconds ? 19 : 16);
  }
  title(team) {
    return this.info.teams.find((t) => t.team === team)?.title || team;
  }

  #connect() {
    this.#close();
    this.link = this.#attempt ? 'lost' : 'connecting';
    const source = new EventSource(`/desk/v1/events?${query({ after: this.next })}`);
    this.#source = source;
    const on = (name, handle) =>
      source.addEventListener(name, (event) => {
        if (source !== this.#source) return;
        this.#heard();
        handle(JSON.parse(event.data));
      });
    on('clock', (clock) => {
      if (this.link !== 'live') {
        this.link = 'live';
        this.#attempt = 0;
      }
      const turned = clock.state !== this.clock.state;
      this.clock = { ...this.clock, ...clock };
      if (turned) this.#soon();
    });
    on('entry', (entry) => {
      this.next = entry.seq;
      this.#pending.push(entry);
      this.#frame ||= setTimeout(() => this.#flush(), document.hidden ? 500 : 50);
    });
    source.onerror = () => source === this.#source && this.#lost();
    this.#heard();
  }
  #flush() {
    this.#frame = 0;
    const last = this.log.at(-1)?.seq ?? 0;
    const fresh = this.#pending.filter((e) => e.seq > last);
    this.#pending = [];
    if (!fresh.length) return;
    this.log = [...this.log, ...fresh];
    this.#soon();
  }
  #soon() {
    clearTimeout(this.#settle);
    this.#settle = setTimeout(() => this.refresh().catch(() => {}), SETTLE_MS);
  }
  #heard() {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.#lost(), SILENCE_MS);
  }
  #close() {
    clearTimeout(this.#watchdog);
    clearTimeout(this.#retry);
    this.#source?.close();
    this.#source = null;
  }
  #lost() {
    this.#close();
    this.link = 'lost';
    const wait = BACK_OFF_MS[Math.min(this.#attempt, BACK_OFF_MS.length - 1)] * (0.75 + Math.random() * 0.5);
    this.#attempt += 1;
    this.#retry = setTimeout(() => this.#again(), wait);
  }
  async #again() {
    // An event source cannot say that the session has ended; an ordinary question can.
    try {
      await get('session');
      await this.refresh();
    } catch (error) {
      return error.status === 401 ? this.#out() : this.#lost();
    }
    this.#connect();
  }
  retryNow() {
    if (this.state !== 'in' || this.link !== 'lost') return;
    clearTimeout(this.#retry);
    this.#again();
  }
}

export const desk = new DeskState();
