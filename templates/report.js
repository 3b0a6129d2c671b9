// Columns of tables with one row per line can be sorted; printing opens what is folded, but for what is too much for paper.
// The page is complete without.
(() => {
  const value = (row, column) => {
    const cell = row.cells[column];
    // What names the column on a phone is no part of the value.
    const name = cell.querySelector(".label")?.textContent ?? "";
    const text = cell.textContent.trim().slice(name.length).trim().replace(/−/g, "-").replace(/,(?=\d)/g, "");
    const number = parseFloat(text.replace(/^[^\d+-]+/, ""));
    return { number, text };
  };
  const compare = (a, b) => {
    if (Number.isNaN(a.number) !== Number.isNaN(b.number)) return Number.isNaN(a.number) ? 1 : -1;
    return a.number - b.number || a.text.localeCompare(b.text);
  };
  const sort = (table, header, column) => {
    const ascending = header.getAttribute("aria-sort") !== "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    const body = table.tBodies[0];
    const numeric = header.classList.contains("n");
    const rows = Array.from(body.rows, (row) => {
      const key = value(row, column);
      return { row, key: numeric ? key : { number: 0, text: key.text } };
    });
    rows.sort((a, b) => (ascending ? compare(a.key, b.key) : compare(b.key, a.key)));
    body.append(...rows.map(({ row }) => row));
  };
  for (const table of document.querySelectorAll("table.sort")) {
    Array.from(table.tHead.rows[0].cells).forEach((header, column) => {
      if (!header.textContent.trim()) return;
      const button = document.createElement("button");
      button.type = "button";
      button.title = "Sort by this column";
      button.append(...header.childNodes);
      button.addEventListener("click", () => sort(table, header, column));
      header.append(button);
    });
  }
  const contents = document.querySelector("#contents details");
  if (matchMedia("(min-width: 64rem)").matches) contents.open = true;
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = Array.from(document.querySelectorAll("details:not([open], .more)"));
    for (const details of closed) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of closed) details.open = false;
  });
})();
