/** TOML as every reader of a config here takes it. */
import { parse } from 'smol-toml';

interface TomlTable {
  [key: string]: unknown;
}

/** Whole numbers that JavaScript would round come as bigint: ids are written so. @throws TomlError, which shows lines of the text */
export function tomlIn(text: string): TomlTable {
  return parse(text, { integersAsBigInt: 'asNeeded', unsafeKeyBehaviour: 'throw', maxDepth: 32 });
}
