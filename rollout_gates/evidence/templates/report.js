'use strict';
(() => {
  const data = JSON.parse(document.getElementById('report-data').textContent);
  const SHOWN_CHECKS = 100;

  // Everything that a target sent is set as text. Nothing here writes markup.
  const el = (tag, className, text) => {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (text !== undefined && text !== null) node.textContent = text;
    return node;
  };
  const add = (parent, ...children) => { children.forEach((child) => child && parent.appendChild(child)); return parent; };

  const pretty = (body) => {
    try { return JSON.stringify(JSON.parse(body), null, 2); } catch { return body; }
  };

  const seconds = (value) => {
    if (typeof value !== 'number') return '';
    return value < 1 ? `${Math.round(value * 1000)} ms` : `${value.toFixed(1)} s`;
  };

  const copyButton = (source) => {
    const button = el('button', 'copy', 'Copy');
    button.type = 'button';
    button.addEventListener('click', () => copy(source, button));
    return button;
  };

  const copy = (source, button) => {
    const done = () => { button.textContent = 'Copied'; setTimeout(() => { button.textContent = 'Copy'; }, 1500); };
    const byHand = () => {
      const range = document.createRange();
      range.selectNodeContents(source);
      const selection = window.getSelection();
      selection.removeAllRanges();
      selection.addRange(range);
      if (document.execCommand('copy')) done();
    };
    if (navigator.clipboard) navigator.clipboard.writeText(source.textContent).then(done, byHand);
    else byHand();
  };

  const side = (title, half) => {
    const box = add(el('div'), el('h4', '', title));
    if (half.headers.length) {
      const table = el('table', 'headers');
      half.headers.forEach(([name, value]) => {
        const key = el('th', '', name);
        key.scope = 'row';
        add(table, add(el('tr'), key, el('td', '', value)));
      });
      add(box, table);
    }
    const body = el('pre', '', half.body ? pretty(half.body) : '(no body)');
    body.tabIndex = 0;
    return add(box, body);
  };

  const exchange = (seen) => {
    const details = el('details', 'exchange');
    const summary = el('summary');
    add(summary, el('b', '', seen.method), document.createTextNode(` ${seen.url} → `),
      el('span', 'status', seen.status === null ? 'no answer' : String(seen.status)),
      el('span', 'soft', [` ${seconds(seen.s)}`, seen.actor && `as ${seen.actor}`, seen.id, ...seen.remarks].filter(Boolean).join(' · ')));
    add(details, summary);
    details.addEventListener('toggle', () => {
      if (!details.open || details.childElementCount > 1) return;
      const inner = el('div', 'inner');
      add(inner, add(el('div', 'sides'), side('Request', seen.sent), side('Response', seen.got)));
      if (seen.curl) {
        const command = el('pre', '', seen.curl);
        command.tabIndex = 0;
        add(inner, el('h4', '', 'Repeat it'), add(el('div', 'curl'), command, copyButton(command)));
      }
      add(inner, el('p', 'soft', `exchange ${seen.id} at ${seen.t}`));
      add(details, inner);
    });
    return details;
  };

  const saw = (refs) => {
    const box = el('div');
    const told = new Set();
    refs.forEach(([name, id]) => {
      const transcript = data.transcripts[name] || { shown: [], more: true };
      const mine = transcript.shown.map((index) => data.exchanges[index]).filter((seen) => id === null || seen.id === id);
      mine.forEach((seen) => add(box, exchange(seen)));
      if ((transcript.more || !mine.length) && !told.has(name)) {
        told.add(name);
        const text = mine.length ? 'There is more in ' : 'Not shown here; see ';
        add(box, add(el('p', 'soft', text), el('code', '', id === null ? name : `${name}, ${id}`)));
      }
    });
    return box;
  };

  const SYMBOL = { passed: '✔', failed: '✘', errored: '?', inconclusive: '?', skipped: '–', 'not run': '–' };
  const check = (number, named) => {
    const row = data.checks[number];
    const box = el('div', 'check');
    const head = el('p');
    if (named) {
      const chip = el('span', `chip ${row.outcome.replace(' ', '-')}`, `${SYMBOL[row.outcome]} ${row.outcome}`);
      add(head, chip, document.createTextNode(' '), el('code', '', row.name));
    }
    const facts = [row.reason, row.took, row.assertions !== null && `${row.assertions} assertion${row.assertions === 1 ? '' : 's'}`, row.worker && `worker ${row.worker}`];
    add(head, el('span', 'soft', ` ${facts.filter(Boolean).join(' · ')}`));
    add(box, head);
    if (row.message) {
      const message = el('pre', '', row.message);
      message.tabIndex = 0;
      add(box, message);
    }
    if (!row.saw.length) return add(box, el('p', 'soft', 'It recorded no exchange of its own.'));
    return add(box, saw(row.saw));
  };

  // --- the matrix of clauses
  const bodies = [...document.querySelectorAll('.matrix tbody')];
  const open = (body, wanted) => {
    const button = body.querySelector('.opener');
    const more = body.querySelector('.more');
    button.setAttribute('aria-expanded', String(wanted));
    more.hidden = !wanted;
    const place = body.querySelector('.checks-place');
    if (!wanted || place.childElementCount) return;
    const numbers = data.clauses[body.dataset.clause] || [];
    numbers.slice(0, SHOWN_CHECKS).forEach((number) => add(place, check(number, true)));
    if (numbers.length > SHOWN_CHECKS) add(place, el('p', 'soft', `… and ${numbers.length - SHOWN_CHECKS} more; see the table of checks.`));
    if (!numbers.length) add(place, el('p', 'soft', 'No check ran for it.'));
  };
  bodies.forEach((body) => {
    const button = body.querySelector('.opener');
    button.addEventListener('click', () => open(body, button.getAttribute('aria-expanded') !== 'true'));
  });

  const text = document.getElementById('clause-text');
  const boxes = [...document.querySelectorAll('.filters-of-clauses input[type="checkbox"]')];
  const haystacks = new Map(bodies.map((body) => {
    const numbers = (data.clauses[body.dataset.clause] || []).slice(0, SHOWN_CHECKS);
    const said = numbers.map((number) => `${data.checks[number].name} ${data.checks[number].message}`);
    return [body, `${body.textContent} ${said.join(' ')}`.toLowerCase()];
  }));
  const filter = () => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const outcomes = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    let shown = 0;
    bodies.forEach((body) => {
      body.hidden = !(outcomes.has(body.dataset.outcome) && words.every((word) => haystacks.get(body).includes(word)));
      shown += !body.hidden;
    });
    document.getElementById('clause-count').textContent = shown === bodies.length ? '' : `${shown} of ${bodies.length}`;
  };
  text.addEventListener('input', filter);
  boxes.forEach((box) => box.addEventListener('change', filter));
  text.form.addEventListener('submit', (event) => event.preventDefault());
  filter();

  const openByHash = () => {
    const id = decodeURIComponent(location.hash.slice(1));
    const body = id.startsWith('clause-') && document.getElementById(id);
    if (!body) return;
    body.hidden = false;
    open(body, true);
    body.scrollIntoView();
    body.querySelector('.opener').focus({ preventScroll: true });
  };
  window.addEventListener('hashchange', openByHash);
  openByHash();

  // --- pytest-html's table: it draws itself anew at each click, so its rows are completed after each drawing
  const section = document.getElementById('checks');
  let focused = null;
  const complete = () => {
    section.querySelectorAll('#results-table > tbody').forEach((body) => {
      const cell = body.querySelector('.col-result');
      const place = body.querySelector('.check-place');
      if (!cell || !place) return;
      const shut = cell.classList.contains('collapsed');
      cell.setAttribute('aria-expanded', String(!shut));
      if (!shut && !place.childElementCount) add(place, check(Number(place.dataset.check), false));
    });
    if (focused !== null) {
      section.querySelector(`.collapsible[data-id="${focused}"] .col-result`)?.focus();
      focused = null;
    }
  };
  new MutationObserver(complete).observe(section, { childList: true });
  section.addEventListener('keydown', (event) => {
    const cell = event.target;
    if (!cell.classList?.contains('col-result') || (event.key !== 'Enter' && event.key !== ' ')) return;
    event.preventDefault();
    focused = cell.parentElement.dataset.id;
    cell.click();
  });
  complete();

  document.querySelectorAll('.copy[data-copy]').forEach((button) => {
    button.addEventListener('click', () => copy(document.getElementById(button.dataset.copy), button));
  });
})();
