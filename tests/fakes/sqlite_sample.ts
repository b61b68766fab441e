/**
 * A database with everything that dumps tend to lose. The demo and the tests use it; it needs node:sqlite alone.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";

/** How a sample is made. */
export interface SampleOptions {
  /** Rows of the largest table: default 1000. */
  readonly rows?: number;
  /** Default 4096. */
  readonly pageSize?: number;
  readonly encoding?: "UTF-8" | "UTF-16le" | "UTF-16be";
  /** 0 none, 1 full, 2 incremental. */
  readonly autoVacuum?: 0 | 1 | 2;
  /** Whether some rows break a CHECK constraint: default false. */
  readonly flawed?: boolean;
  readonly journalMode?: "wal" | "delete" | "truncate" | "persist" | "memory" | "off";
}

/** Statements for the odd parts, in the order in which they are run. */
const odd = [
  // A quoted name, and a default made by an expression
  `create table "odd ""name""" (id integer primary key, v text default (upper('x')), n int check (n > 0))`,
  `insert into "odd ""name""" (n) values (5), (6)`,
  // Values at the limits of every storage class
  `create table extremes (label text, v)`,
  `insert into extremes values
    ('max', 9223372036854775807), ('min', -9223372036854775808), ('53', 9007199254740993), ('real 1', 1.0),
    ('-0', -0.0), ('inf', 9e999), ('-inf', -9e999), ('tenth', 0.1), ('tiny', 5e-324), ('huge', 1.7976931348623157e308),
    ('null', null), ('empty text', ''), ('empty blob', x''), ('zeroblob', zeroblob(10000)), ('blob', x'00ff10'),
    ('quote', 'it''s'), ('lines', 'a' || char(10) || 'b' || char(13, 9)), ('emoji', '😀'), ('replacement', '�')`,
  // NUL and invalid text, written as bytes of the database's encoding
  `insert into extremes values ('nul', cast(x'6100620063006400' as text)), ('invalid', cast(x'ff00fe00d800' as text))`,
  `create table affinity (i integer, t text, r real, n numeric, b blob)`,
  `insert into affinity values ('not a number', 12, 7, '0x10', 'text'), (1.5, x'31', 9007199254740993, '1e3', 1)`,
  // Rowids without a name, with holes
  `create table loose (v text)`,
  `insert into loose (rowid, v) values (1, 'one'), (1000000, 'million'), (-5, 'minus five'), (9223372036854775807, 'last')`,
  `create table shadowed (rowid text, "_rowid_" text, v int)`,
  `insert into shadowed (oid, rowid, "_rowid_", v) values (42, 'a', 'b', 1), (7, 'c', 'd', 2)`,
  `create table desc_key (id integer primary key desc, v text)`,
  `insert into desc_key values (3, 'c'), (1, 'a')`,
  `create table without_rowid (a text collate nocase, b int, c real, primary key (b desc, a)) without rowid`,
  `insert into without_rowid values ('x', 1, 1.5), ('y', 1, 2.5), ('x', 2, -0.0)`,
  `create table numbered (id integer primary key autoincrement, v text)`,
  `insert into numbered values (100, 'kept'), (500, 'deleted')`,
  `delete from numbered where id = 500`,
  `create table strict_one (a int, b any, c blob) strict`,
  `insert into strict_one values (1, '1', x'01'), (2, 2, null)`,
  `create table generated (a int, b int as (a * 2) stored, c text as ('v' || a) virtual, d int)`,
  `insert into generated (a, d) values (1, 10), (2, 20)`,
  // Foreign keys in a circle, one of them broken
  `create table parent (id int unique, child int references child (id))`,
  `create table child (id int unique, parent int references parent (id) deferrable initially deferred)`,
  `insert into parent values (1, 1)`,
  `insert into child values (1, 1), (2, 99)`,
  // Search and space
  `create virtual table docs using fts5 (title, body, tokenize = 'porter')`,
  `insert into docs values ('Ships', 'sailing across oceans'), ('Birds', 'flying over hills')`,
  `create virtual table notes using fts4 (body)`,
  `insert into notes values ('a note about ships')`,
  `create virtual table contentless using fts5 (body, content = '')`,
  `insert into contentless (rowid, body) values (9, 'no content kept')`,
  `create virtual table boxes using rtree (id, x1, x2, y1, y2)`,
  `insert into boxes values (1, 0, 1, 0, 1), (2, 5, 9, 5, 9)`,
  // Indexes, views, triggers
  `create index partial on orders (customer) where amount > 500`,
  `create index expression on orders (lower(customer) collate nocase desc, amount * 2)`,
  `create unique index "odd index" on "odd ""name""" (v, id)`,
  `create view big_orders (who, much) as select customer, amount from orders where amount > 900`,
  `create trigger big_orders_insert instead of insert on big_orders begin insert into loose values (new.who); end`,
  `create trigger loose_insert after insert on loose begin update numbered set v = v || ';' where id = 100; end`,
  `create table copied as select a, c from without_rowid`,
  `create table empty_one (a, b)`,
  `analyze`,
];

/** Rows that break the schema's own rules, which `pragma integrity_check` reports for good. */
const flaws = [
  `pragma ignore_check_constraints = on`,
  `insert into "odd ""name""" (n) values (-1)`,
  `pragma ignore_check_constraints = off`,
];

/** Makes a sample database at a path where no file is. */
export function buildSample(path: string, options: SampleOptions = {}): void {
  const { rows = 1000, pageSize = 4096, encoding = "UTF-8", autoVacuum = 0, journalMode = "delete" } =
    options;
  const db = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  try {
    db.exec(
      `pragma page_size = ${pageSize}; pragma encoding = '${encoding}'; pragma auto_vacuum = ${autoVacuum}`,
    );
    db.exec("pragma user_version = 77; pragma application_id = 1447119186; pragma synchronous = off");
    db.prepare(`pragma journal_mode = ${journalMode}`).get();
    db.exec("begin; create table orders (id integer primary key, customer text, note text, amount real)");
    db.prepare(
      `with recursive n (i) as (select 1 union all select i + 1 from n where i < ?)
       insert into orders select i, 'customer ' || (i * 7919 % 1000), hex(randomblob(8 + i % 40)), i * 37 % 100000 / 100.0 from n`,
    ).run(rows);
    db.exec("create table scratch (v); insert into scratch select randomblob(2000) from orders limit 50");
    for (const statement of options.flawed ? [...odd, ...flaws] : odd) db.exec(statement);
    // A row over many pages, and free pages
    db.exec(
      "insert into extremes values ('long', hex(randomblob(150000))), ('long blob', randomblob(300001))",
    );
    db.exec("drop table scratch; commit");
  } finally {
    db.close();
  }
}
