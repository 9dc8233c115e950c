// Connect with the URL in DATABASE_URL as the site's clients do, and print what each one sees, as JSON.
import { PrismaPg } from "@prisma/adapter-pg"
import pg from "pg"

const connectionString = process.env.DATABASE_URL
// The user sees its connection; the owner, which it acts as, does not. So first it acts as itself.
const sql = `
  SELECT session_user::text, own.ssl, own.sslversion
  FROM set_config('role', 'none', false) AS role, pg_stat_get_activity(pg_backend_pid() + 0 * length(role)) AS own`

async function nodePostgres() {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    return Object.values((await client.query(sql)).rows[0])
  } finally {
    await client.end()
  }
}

async function prisma7() {
  const adapter = await new PrismaPg({ connectionString }).connect()
  try {
    return (await adapter.queryRaw({ sql, args: [], argTypes: [] })).rows[0]
  } finally {
    await adapter.dispose()
  }
}

const seen = {}
for (const [name, connect] of Object.entries({ "node-postgres": nodePostgres, "Prisma 7": prisma7 })) {
  seen[name] = await connect().catch((error) => ["refused", String(error.cause?.originalMessage ?? error.message)])
}
console.log(JSON.stringify(seen))
