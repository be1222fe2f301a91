/**
 * Which messages the journal holds. Nearly every message is new, and a filter in memory says so without a look at the disk. The
 * index is kept by generations of rows, so that a new row touches the few pages of the newest one, however long the journal is.
 */
import type { InboxId } from '../store.js';
import type { Database } from './database.js';

/** As in the index `inbox_digest`: rows of one generation share `id >> 12`. */
const GENERATION = 12;
const FIND = `SELECT id FROM inbox WHERE id >> ${GENERATION} = ? AND digest = ? AND conversation = ? AND message_id = ?`;
/** Two questions, for SQLite answers only one end of a table at a time without reading all of it. */
const EDGES = 'SELECT (SELECT min(id) FROM inbox) AS first, (SELECT max(id) FROM inbox) AS last';
const DIGESTS = `SELECT digest FROM inbox WHERE id >> ${GENERATION} = ?`;
/** Of the filter: about one message in fifty is looked for in vain. */
const BITS_PER_MESSAGE = 10;
const LEAST_BITS = 2 ** 23;

interface Edges {
  readonly first: number | null;
  readonly last: number | null;
}

export class KnownMessages {
  readonly #find;
  readonly #edges;
  readonly #digests;
  /** Made when the first message comes: who only sends needs none. */
  #filter: DigestFilter | undefined;
  /** Newest generation that is not in the filter yet, and the oldest there is. Until all are, a message is looked for in the index. */
  #missing = -1;
  #oldest = 0;

  constructor(db: Database) {
    this.#find = db.prepare<[number, number, string, string], { id: InboxId }>(FIND);
    this.#edges = db.prepare<[], Edges>(EDGES);
    this.#digests = db.prepare<[number], { digest: number }>(DIGESTS);
  }

  /** As `find`, for a message that is about to be added when it is not known. */
  meet(digest: number, conversation: string, messageId: string): InboxId | undefined {
    this.#filter ??= this.#made();
    if (this.#missing >= this.#oldest) this.#fill(this.#filter);
    const mayKnow = this.#missing >= this.#oldest || this.#filter.mayHave(digest);
    const known = mayKnow ? this.find(digest, conversation, messageId) : undefined;
    this.#filter.add(digest);
    return known;
  }

  /** `digest`: of the conversation and the id, which are compared too. */
  find(digest: number, conversation: string, messageId: string): InboxId | undefined {
    const { first, last } = this.#edges.get() ?? NO_EDGES;
    if (first === null || last === null) return undefined;
    for (let generation = last >> GENERATION; generation >= first >> GENERATION; generation--) {
      const found = this.#find.get(generation, digest, conversation, messageId);
      if (found !== undefined) return found.id;
    }
    return undefined;
  }

  #made(): DigestFilter {
    const { first, last } = this.#edges.get() ?? NO_EDGES;
    this.#oldest = (first ?? 0) >> GENERATION;
    this.#missing = (last ?? -1) >> GENERATION;
    return new DigestFilter(Math.max(LEAST_BITS, ((last ?? 0) - (first ?? 0)) * 2 * BITS_PER_MESSAGE));
  }

  /** One generation for each message that comes, so that none of them waits long. */
  #fill(filter: DigestFilter): void {
    for (const { digest } of this.#digests.all(this.#missing)) filter.add(digest);
    this.#missing--;
  }
}

const NO_EDGES: Edges = { first: null, last: null };

/** A Bloom filter: what was added it may have; some of what was not, too. */
class DigestFilter {
  readonly #words: Uint32Array;
  readonly #mask: number;

  constructor(leastBits: number) {
    const bits = 2 ** Math.ceil(Math.log2(leastBits));
    this.#words = new Uint32Array(bits / 32);
    this.#mask = bits - 1;
  }

  add(digest: number): void {
    for (const factor of FACTORS) {
      const bit = this.#bit(digest, factor);
      this.#words[bit >>> 5] = (this.#words[bit >>> 5] ?? 0) | (1 << (bit & 31));
    }
  }

  mayHave(digest: number): boolean {
    return FACTORS.every((factor) => {
      const bit = this.#bit(digest, factor);
      return ((this.#words[bit >>> 5] ?? 0) & (1 << (bit & 31))) !== 0;
    });
  }

  #bit(digest: number, factor: number): number {
    const mixed = Math.imul(digest ^ (digest >>> 15), factor);
    return (mixed ^ (mixed >>> 13)) & this.#mask;
  }
}

const FACTORS = [0x9e3779b1, 0x85ebca6b, 0xc2b2ae35];
