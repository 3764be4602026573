// What one person likes, kept in the browser: theme and keys. Nothing about alerts or objects is stored.

function read(key, fallback) {
  try {
    return localStorage.getItem(`bongsu.${key}`) ?? fallback;
  } catch {
    return fallback;
  }
}
function write(key, value) {
  try {
    localStorage.setItem(`bongsu.${key}`, value);
  } catch {
    // private windows: then for this page only
  }
}

class Settings {
  theme = $state(read('theme', 'dark'));
  keys = $state(read('keys', 'on') === 'on'); // single-letter shortcuts can be switched off (WCAG 2.1.4)

  apply() {
    document.documentElement.dataset.theme = this.theme;
  }
  toggleTheme() {
    this.theme = this.theme === 'dark' ? 'light' : 'dark';
    write('theme', this.theme);
    this.apply();
  }
  toggleKeys() {
    this.keys = !this.keys;
    write('keys', this.keys ? 'on' : 'off');
  }
}

export const settings = new Settings();
