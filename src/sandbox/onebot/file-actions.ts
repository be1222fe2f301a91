/** Calls about files: up to a group or a person, where they can be fetched, and down again in pieces. */
import { basename } from 'node:path';
import type { Actions, Call } from './action.js';
import { groupOf } from './info-actions.js';
import { bringFile } from './media.js';
import { groupUpload } from './notices.js';
import { Refusal } from './refusal.js';
import { wireId } from './wire-json.js';
import type { StoredFile } from './world.js';

const CHUNK = 65_536;
const SPACE = 10 * 1024 ** 3;
const BUSID = 102;

export const fileActions: Actions = {
  upload_group_file: { run: uploadToGroup, only: ['napcat', 'llonebot', 'lagrange', 'go-cqhttp'] },
  upload_private_file: { run: uploadToPerson },
  get_group_file_url: { run: fileUrl },
  get_private_file_url: {
    run: (call) => ({ url: call.account.fileUrl(fileOf(call).id) }),
    only: ['napcat', 'llonebot', 'lagrange'],
  },
  get_group_root_files: { run: rootFiles, only: ['napcat', 'llonebot', 'lagrange', 'go-cqhttp'] },
  get_group_file_system_info: { run: fileSystem, only: ['napcat', 'go-cqhttp'] },
  get_file: { run: getFile, only: ['napcat', 'llonebot'] },
  get_image: { run: getFile },
  get_record: { run: getFile },
  download_file_stream: { run: download, only: ['napcat'] },
};

function fileUrl(call: Call) {
  groupOf(call);
  return { url: call.account.fileUrl(fileOf(call).id) };
}

function uploadToGroup(call: Call) {
  const group = groupOf(call);
  const { account } = call;
  const folder = call.params.textIfAny('folder', 'folder_id');
  const file = store(call, group.id, folder === undefined || folder === '/' || folder === '' ? undefined : folder);
  account.tell(groupUpload(account, group.id, account.selfId, file), { kind: 'group', id: group.id });
  return answerOf(call, file);
}

function uploadToPerson(call: Call) {
  const id = call.params.id('user_id');
  if (call.account.world.people.get(id)?.friend !== true) throw new Refusal(`无法获取用户信息 ${id}`, 'USER_NOT_FOUND');
  return answerOf(call, store(call, id));
}

const answerOf = ({ account }: Call, { id }: StoredFile) =>
  account.facts.flavour === 'go-cqhttp' ? null : { file_id: id };

/** go-cqhttp takes paths of its own machine alone. */
function store(call: Call, place: string, folder?: string): StoredFile {
  const { account, params, action } = call;
  const uri = params.text('file');
  const isPath = !/^(base64|https?|data):/.test(uri);
  const file = account.facts.flavour === 'go-cqhttp' && !isPath ? undefined : bringFile(uri, account.world);
  if (file === undefined || file.bytes === 0)
    throw new Refusal(`识别URL失败, uri= ${uri.slice(0, 200)}`, 'OPEN_FILE_ERROR');
  const stored = account.world.addFile({
    name: params.textIfAny('name') ?? (isPath ? basename(uri) : 'file'),
    bytes: file.bytes ?? 0,
    place,
    by: account.selfId,
    ...(folder === undefined ? {} : { folder }),
    ...(file.content === undefined ? {} : { content: file.content }),
  });
  const segment = {
    type: 'file',
    data: {
      name: stored.name,
      file_id: stored.id,
      file_size: String(stored.bytes),
      ...(folder === undefined ? {} : { folder }),
    },
  };
  account.note({
    kind: 'onebot.send',
    scene: account.scene({ kind: action === 'upload_group_file' ? 'group' : 'private', id: place }),
    action,
    accepted: true,
    segments: [segment],
    seen: [segment],
    text: `[文件: ${stored.name}]`,
    dropped: [],
    media: [],
  });
  return stored;
}

/** @throws Refusal */
function fileOf({ account, params }: Call): StoredFile {
  const file = account.world.files.get(params.text('file_id', 'file'));
  if (file === undefined) throw new Refusal('real fileUUID not found!', 'FILE_NOT_FOUND');
  return file;
}

function rootFiles(call: Call) {
  const group = groupOf(call);
  const files = [...call.account.world.files.values()].filter(
    ({ place, folder }) => place === group.id && folder === undefined,
  );
  return { files: files.map((file) => shown(call, group.id, file)), folders: [] };
}

const shown = ({ account }: Call, group: string, { id, name, bytes, time, by }: StoredFile) => ({
  group_id: wireId(group),
  file_id: id,
  file_name: name,
  busid: BUSID,
  size: bytes,
  file_size: bytes,
  upload_time: time,
  dead_time: 0,
  modify_time: time,
  download_times: 0,
  uploader: wireId(by),
  uploader_name: account.world.nameOf(by),
});

function fileSystem(call: Call) {
  const group = groupOf(call);
  const files = [...call.account.world.files.values()].filter(({ place }) => place === group.id);
  const used = files.reduce((sum, { bytes }) => sum + bytes, 0);
  return { file_count: files.length, limit_count: 10_000, used_space: used, total_space: SPACE };
}

function getFile(call: Call) {
  const { id, name, bytes, content } = fileOf(call);
  const inline = content === undefined ? {} : { base64: content.toString('base64') };
  return {
    file: `/nowhere/${name}`,
    url: call.account.fileUrl(id),
    file_size: String(bytes),
    file_name: name,
    ...inline,
  };
}

/** Several answers under one echo. */
function download(call: Call) {
  const { name, content = Buffer.alloc(0) } = fileOf(call);
  const size = Math.max(1, call.params.number('chunk_size', CHUNK));
  const total = Math.ceil(content.length / size);
  call.stream({ type: 'stream', data_type: 'file_info', file_name: name, file_size: content.length, chunk_size: size });
  for (let index = 0; index < total; index += 1) {
    const chunk = content.subarray(index * size, (index + 1) * size);
    call.stream({
      type: 'stream',
      data_type: 'file_chunk',
      index,
      data: chunk.toString('base64'),
      size: chunk.length,
      progress: Math.round(((index + 1) / total) * 100),
      base64_size: Math.ceil(chunk.length / 3) * 4,
    });
  }
  return { type: 'response', data_type: 'file_complete', total_chunks: total, total_bytes: content.length };
}
