// Where the page is: #/groups/<id>, #/alerts/<id>, #/search?q=…, #/objects/<id>, #/publish, #/members/<id>, #/quarantine/<id>, #/approvals/<id>, #/account.

function parse(hash) {
  const [path, search = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const [view = 'groups', ...rest] = path.split('/');
  let id = '';
  try {
    id = decodeURIComponent(rest.join('/'));
  } catch {
    id = '';
  }
  return { view: view || 'groups', id, query: Object.fromEntries(new URLSearchParams(search)) };
}

class Router {
  at = $state(parse(location.hash));

  constructor() {
    addEventListener('hashchange', () => (this.at = parse(location.hash)));
  }

  go(view, id = '', query = null, { replace = false } = {}) {
    let hash = `#/${view}`;
    if (id) hash += `/${encodeURIComponent(id)}`;
    if (query) hash += `?${new URLSearchParams(query)}`;
    if (hash === location.hash) return;
    if (replace) {
      history.replaceState(null, '', hash);
      this.at = parse(hash);
    } else {
      location.hash = hash;
    }
  }
}

export const router = new Router();
export const href = (view, id = '') => `#/${view}${id ? `/${encodeURIComponent(id)}` : ''}`;
