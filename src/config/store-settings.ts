import { fail, ok, type Result } from '../core/errors.ts';
import { integer, list, type Reader, text } from './readers.ts';
import { setting } from './setting.ts';

/** `data_dir` that keeps nothing. */
export const memoryDir = ':memory:';

/** 32 bytes, as 64 hexadecimal digits or in base64. */
function dataKey(given: string): Result<Buffer, string> {
  const key = /^[0-9a-f]{64}$/i.test(given) ? Buffer.from(given, 'hex') : Buffer.from(given, 'base64');
  return key.length === 32
    ? ok(key)
    : fail('must be 32 bytes in base64 or hexadecimal, for instance from: openssl rand -base64 32');
}

/** The URL of a PostgreSQL. It may hold a password, so no message repeats it. */
const databaseUrl: Reader<string> = raw => {
  const given = String(raw).trim();
  return /^postgres(ql)?:\/\/\S+$/.test(given)
    ? ok(given)
    : fail('must begin with postgres://, like postgres://user:password@host/database');
};

/** What survives a restart, and where it is kept. */
export const storeSettings = {
  'store.database_url': setting(databaseUrl, {
    env: 'DATABASE_URL',
    meaning: 'PostgreSQL that records are kept in; without it SQLite below DATA_DIR (docs/records.md).',
    secret: true,
  }),
  'store.data_dir': setting(text(), {
    env: 'DATA_DIR',
    meaning:
      'Directory of the database, the data key and recordings; `:memory:` forgets all with the process.',
    fallback: './data',
  }),
  'store.data_key': setting(list(dataKey), {
    env: 'DATA_KEY',
    meaning:
      'Keys that seal numbers and transcripts, 32 bytes in base64 each: the first seals, every one opens. Without it one ' +
      'is made below DATA_DIR: back it up.',
    secret: true,
  }),
  'store.node_id': setting(text(/^[\w.-]{1,64}$/, '1 to 64 letters, digits, dots or dashes'), {
    env: 'NODE_ID',
    meaning: 'Name of this node among those that share a database; without it one is made below DATA_DIR.',
  }),
  'store.keep_days': setting(integer(0, 36_500), {
    meaning: 'Days after which calls are removed with everything of theirs; 0 keeps them.',
    fallback: '90',
  }),
} as const;
