import { DatabaseSync } from "node:sqlite";

/**
 * Makes an SQLite database of orders and their items, words and numbers: it compresses about as a shop's database does.
 * @param bytes The file's size, roughly.
 */
export function buildDatabase(path: string, bytes: number): void {
  using database = new DatabaseSync(path);
  let seed = 1;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  const words = Array.from(
    { length: 5000 },
    () => Array.from({ length: 3 + random(8) }, () => String.fromCharCode(97 + random(26))).join(""),
  );
  const text = (count: number) => Array.from({ length: count }, () => words[random(words.length)]).join(" ");
  database.exec(`pragma journal_mode = wal; pragma synchronous = off; pragma wal_autocheckpoint = 100000;
    create table orders (id integer primary key, customer integer, name text, note text, amount real, created text);
    create table items (id integer primary key, order_id integer, sku text, quantity integer, price real);`);
  const order = database.prepare("insert into orders values (?, ?, ?, ?, ?, ?)");
  const item = database.prepare("insert into items values (?, ?, ?, ?, ?)");
  const size = database.prepare(
    "select page_count * page_size as size from pragma_page_count, pragma_page_size",
  );
  for (let id = 0, items = 0; Number(size.get()!["size"]) < bytes * 0.88;) {
    database.exec("begin");
    for (const end = id + 50_000; id < end; id++) {
      const day = `2026-${String(1 + random(12)).padStart(2, "0")}-${
        String(1 + random(28)).padStart(2, "0")
      }`;
      order.run(id, random(100_000), text(2), text(random(30)), random(1_000_000) / 100, day);
      for (let k = 0; k < 2; k++) {
        item.run(items++, id, random(2 ** 31).toString(16), random(9), random(9900) / 100);
      }
    }
    database.exec("commit");
  }
  database.exec(
    "create index orders_customer on orders (customer); create index items_order on items (order_id);",
  );
  database.exec("pragma wal_checkpoint(truncate)");
}
