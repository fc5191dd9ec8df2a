'use strict';
(() => {
  const form = document.getElementById('filter');
  const shown = document.getElementById('shown');
  const rows = [...document.querySelectorAll('tr.finding')];
  const groups = [...document.querySelectorAll('section.group')];
  const severities = ['info', 'low', 'medium', 'high', 'critical'];
  const names = ['severity', 'category', 'service', 'text'];
  const field = (name) => form.elements.namedItem(name);

  const matches = (row, wanted) =>
    severities.indexOf(row.dataset.severity) >= severities.indexOf(wanted.severity) &&
    (wanted.category === '' || row.dataset.category === wanted.category) &&
    (wanted.service === '' || row.dataset.service === wanted.service) &&
    wanted.text.toLowerCase().split(/\s+/).every((word) => row.textContent.toLowerCase().includes(word));

  const apply = () => {
    const wanted = Object.fromEntries(names.map((name) => [name, field(name).value]));
    rows.forEach((row) => { row.hidden = !matches(row, wanted); });
    groups.forEach((group) => { group.hidden = !group.querySelector('tr.finding:not([hidden])'); });
    const count = rows.filter((row) => !row.hidden).length;
    shown.textContent = `${count} of ${rows.length} findings`;
    return wanted;
  };

  // The fragment holds the filter, so that a filtered page can be linked to.
  const read = () => {
    const preset = new URLSearchParams(location.hash.slice(1));
    names.forEach((name) => {
      const at = field(name);
      at.value = preset.get(name) ?? '';
      // A select that has no such choice shows its first, everything.
      if (at.selectedIndex === -1) at.selectedIndex = 0;
    });
    apply();
  };

  const write = () => {
    const set = Object.entries(apply()).filter(([, value]) => value !== '');
    history.replaceState(null, '', `#${new URLSearchParams(set)}`);
  };

  form.addEventListener('input', write);
  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('reset', () => setTimeout(write));
  addEventListener('hashchange', read);
  addEventListener('beforeprint', () => document.querySelectorAll('details').forEach((details) => { details.open = true; }));
  form.hidden = false;
  read();
})();
