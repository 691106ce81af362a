import { type ColumnDefinitionBuilder, sql, type Transaction } from "kysely";
import { unreachable } from "../../domain/unreachable.ts";
import type { StoreSchema } from "./store-schema.ts";

export type StoreDialect = "sqlite" | "postgres";

/** `?`: may be null. `key`: the primary key. `count`: that too, numbered by the database. */
type ColumnKind = "key" | "count" | "text" | "text?" | "whole" | "whole?";

type TableName = keyof StoreSchema & string;
type ColumnOf<Name extends TableName> = keyof StoreSchema[Name] & string;

export interface TableOptions<Name extends TableName> {
  /** Where one column alone is none. */
  readonly key?: readonly ColumnOf<Name>[];
  readonly references?: readonly TableReference<Name>[];
}

/** `refuse`: nobody deletes what is still referred to. */
interface TableReference<Name extends TableName> {
  readonly column: ColumnOf<Name>;
  readonly to: readonly [table: TableName, column: string];
  readonly whenGone: "refuse" | "cascade";
}

/** Makes what both databases have under the same names, with the same rules. */
export class TableMaker {
  readonly rows: Transaction<StoreSchema>;
  readonly #dialect: StoreDialect;

  constructor(rows: Transaction<StoreSchema>, dialect: StoreDialect) {
    this.rows = rows;
    this.#dialect = dialect;
  }

  /** One that is there stays. */
  async table<Name extends TableName>(
    name: Name,
    columns: { readonly [Column in ColumnOf<Name>]: ColumnKind },
    { key, references = [] }: TableOptions<Name> = {},
  ): Promise<void> {
    let table = this.rows.schema.createTable(name).ifNotExists();
    for (const [column, kind] of Object.entries<ColumnKind>(columns)) {
      table = table.addColumn(column, this.#type(kind), (made) => this.#limited(made, kind));
    }
    if (key !== undefined) table = table.addPrimaryKeyConstraint(`${name}_key`, [...key] as never);
    for (const { column, to, whenGone } of references) {
      const constraint = `${name}_${column}_reference`;
      table = table.addForeignKeyConstraint(
        constraint,
        [column] as never,
        to[0],
        [to[1]],
        (made) => (whenGone === "cascade" ? made.onDelete("cascade") : made),
      );
    }
    // Without it, SQLite keeps whatever it is given, and gives it back as that.
    await (this.#dialect === "sqlite" ? table.modifyEnd(sql`strict`) : table).execute();
  }

  async index<Name extends TableName>(
    name: Name,
    columns: readonly ColumnOf<Name>[],
  ): Promise<void> {
    await this.#index(name, columns).execute();
  }

  /** Nulls are not alike. `which` makes it hold for the rows that it is true of. */
  async unique<Name extends TableName>(
    name: Name,
    columns: readonly ColumnOf<Name>[],
    which?: { readonly called: string; readonly where: ReturnType<typeof sql<boolean>> },
  ): Promise<void> {
    const index = this.#index(name, columns, which?.called).unique();
    await (which === undefined ? index : index.where(which.where)).execute();
  }

  #index(name: TableName, columns: readonly string[], called = columns.join("_")) {
    return this.rows.schema
      .createIndex(`${name}_${called}`)
      .on(name)
      .columns([...columns]);
  }

  #type(kind: ColumnKind) {
    switch (kind) {
      case "count":
      case "whole":
      case "whole?":
        return this.#dialect === "sqlite" ? sql`integer` : sql`bigint`;
      case "key":
      case "text":
      case "text?":
        // Ordered by its bytes, as SQLite does, whatever language the server is set to.
        return this.#dialect === "sqlite" ? sql`text` : sql`text collate "C"`;
      default:
        unreachable(kind);
    }
  }

  #limited(column: ColumnDefinitionBuilder, kind: ColumnKind): ColumnDefinitionBuilder {
    switch (kind) {
      case "key":
        return column.primaryKey().notNull();
      case "count":
        // Never given out twice, even if the last row is deleted.
        return this.#dialect === "sqlite"
          ? column.primaryKey().autoIncrement()
          : column.generatedAlwaysAsIdentity().primaryKey();
      case "text":
      case "whole":
        return column.notNull();
      case "text?":
      case "whole?":
        return column;
      default:
        unreachable(kind);
    }
  }
}
