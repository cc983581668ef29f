/**
 * undici's pool by its own file: the whole package takes 47 ms to import (fetch, caches, mocks), the pool alone 20.
 * undici has no `exports` map, so its files may be imported; this gives that file the type that undici publishes.
 */
declare module 'undici/lib/dispatcher/pool.js' {
  import type { Pool } from 'undici';

  const pool: typeof Pool;
  export default pool;
}
