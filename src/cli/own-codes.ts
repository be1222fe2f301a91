/** The codes of loong itself, as they stand in receipts, errors and the queue: what each means, and what helps. */

export interface OwnCode {
  readonly meaning: string;
  readonly remedy: string;
}

const NOTHING = 'nothing: loong goes on by itself';
const LOOK_FIRST = 'look whether it was done before you ask for it again';

export const OWN_CODES: { readonly [code: string]: OwnCode } = {
  internal: {
    meaning: 'a fault in loong',
    remedy: 'report it with the log; nothing that was accepted is lost',
  },
  usage: { meaning: 'the command is not written as it must be', remedy: 'the same command with --help shows examples' },
  'usage.bad_json': { meaning: 'what was given as JSON is none', remedy: 'put it in single quotes, and check it' },
  'usage.cancelled': {
    meaning: 'a question was answered with Ctrl-C or the end of input',
    remedy: 'run the command again',
  },
  'usage.conflict': { meaning: 'two flags say the same thing differently', remedy: 'keep one of them' },
  'usage.env_file': {
    meaning: 'the file of --env-file, .env.qq or .env cannot be read',
    remedy: 'name a file with lines NAME=value',
  },
  'usage.inexact_number': {
    meaning: 'a number in the JSON is too large to be read exactly',
    remedy: 'write it in quotes',
  },
  'usage.no_terminal': {
    meaning: 'something would have to be asked, and stdin is no terminal',
    remedy: 'run it at a terminal, or with --yes and what it needs in the environment or in .env.qq',
  },
  'usage.repeated': { meaning: 'a flag that may stand once stands more often', remedy: 'give it once' },

  'proxy.unusable': {
    meaning: 'what is named as the proxy cannot be one',
    remedy: 'name an HTTP proxy as gateway.proxy, or empty the variable',
  },
  'proxy.unreachable': {
    meaning: 'the proxy gives no connection',
    remedy: 'start that program, or correct its address',
  },
  'proxy.foreign': {
    meaning: 'what answers there is no HTTP proxy',
    remedy: 'look for the HTTP (or mixed) port of that program',
  },
  'proxy.auth': {
    meaning: 'the proxy wants a user name and a password, or refused them',
    remedy: 'write them in its URL: "http://user:password@host:port"',
  },
  'proxy.refused': {
    meaning: 'the proxy makes no connection to that host',
    remedy: 'let its rules permit it, or name the host in NO_PROXY',
  },

  'access.peer_not_allowed': {
    meaning: 'the account may not write to this peer',
    remedy: 'check the id for a typo, or add it to allowed_peer_ids of the account',
  },
  'access.revoked': {
    meaning: 'the peer was taken off the list, or its pairing revoked, while the message waited',
    remedy: 'put it back into allowed_peer_ids, or approve it anew, and send the message once more',
  },
  'pairing.unknown': {
    meaning: 'nobody waits for approval with this code or id, or nobody with this id was approved',
    remedy: '`loong pairing list` shows who waits and who was approved',
  },
  'pairing.ambiguous': {
    meaning: 'several accounts know this user',
    remedy: 'name the account, with --account',
  },
  'account.changed': {
    meaning: 'the account would be another app or QQ than when it ran last',
    remedy: 'put the former one back, or give up what belongs to it with `loong account rebind`',
  },
  'account.not_served': {
    meaning: 'the running daemon does not serve this account',
    remedy: 'name another account, or start the daemon with it',
  },
  'account.rebound': {
    meaning: 'the account became another app or QQ (`loong account rebind`) meanwhile',
    remedy: 'send it anew, to the id that the peer has with the account as it is now',
  },
  'account.unknown': { meaning: 'no such account is configured', remedy: '`loong channels` lists those there are' },
  'channel.unknown': { meaning: 'there is no such channel', remedy: '`loong channels` lists those there are' },

  'backend.aborted': {
    meaning: 'the backend was broken off because its time was up',
    remedy: 'raise `timeout` of the backend',
  },
  'backend.answer_invalid': {
    meaning: 'the backend answered in a shape that is no answer',
    remedy:
      'read what it says is wrong: `loong config schema answer` prints the shape of a JSON answer, and a `base_url` mostly ends with /v1',
  },
  'backend.broken_off': {
    meaning: 'the answer of the backend ended in the middle, so nothing of it was sent',
    remedy:
      'look at the log of that server, and of a proxy in between; a stream of an http backend ends with `data: [DONE]`',
  },
  'backend.failed': {
    meaning: 'the command ended with an error',
    remedy: 'try it by hand; its last words are in the log',
  },
  'backend.http_status': {
    meaning: 'the server of the backend answered with an error or a redirect',
    remedy: 'look at the log of that server',
  },
  'backend.key_refused': {
    meaning: 'the server of the language model refused the API key',
    remedy: 'correct `api_key`, `api_key_env` or `api_key_file` of the backend',
  },
  'backend.media_refused': {
    meaning: 'the backend named a file or address that it may not send, so nothing of its answer was sent',
    remedy: 'let it name http(s) addresses, `base64://…`, or files below `media_dir`',
  },
  'backend.no_words': {
    meaning: 'the language model ended without having said anything',
    remedy: 'length: let it think less, or give it more room; content_filter: its provider refuses the subject',
  },
  'backend.not_found': {
    meaning: 'the server of the language model knows no such model, or no such path',
    remedy: 'check `base_url` and `model` of the backend; `loong doctor` lists some models',
  },
  'backend.not_started': {
    meaning: 'the program of the backend could not be started',
    remedy: '`loong doctor` says what it lacks',
  },
  'backend.not_text': { meaning: 'the backend answered with what is no UTF-8', remedy: 'let it answer in UTF-8 alone' },
  'backend.output_too_long': {
    meaning: 'the backend answered with too much',
    remedy: 'raise `max_output`, or let it answer with less',
  },
  'backend.rate_limited': {
    meaning: 'the server of the language model takes no more for now, or the balance is used up',
    remedy: 'lower `concurrency` of the backend, or look after the balance',
  },
  'backend.refused': {
    meaning: 'the server of the language model refused the message',
    remedy: 'read what it says; mostly `model` or the length of the history is wrong',
  },
  'backend.timeout': {
    meaning: 'the backend did not answer in time',
    remedy: 'raise `timeout` of the backend, or make it faster',
  },
  'backend.too_long': { meaning: 'the answer is longer than any may be', remedy: 'make it answer in fewer words' },
  'backend.unavailable': {
    meaning: 'the server of the language model could not be reached, or failed',
    remedy: 'see that it runs; `loong doctor` asks it',
  },
  'backend.unreachable': {
    meaning: 'nobody takes connections at the `url` of the backend',
    remedy: 'start that server, or correct `url`; `loong doctor` tries it',
  },
  'turn.cancelled': {
    meaning: 'somebody in the conversation wrote /stop while the message was being answered',
    remedy: 'nothing: no answer is wanted any more',
  },
  'turn.failed': {
    meaning: 'a message could not be answered, for a reason that loong has no name for',
    remedy: 'look at the log, then `loong queue retry`',
  },
  'turn.gave_up': {
    meaning: 'loong ended three times while this message was being answered',
    remedy: 'look what ends it, then `loong queue retry`',
  },
  'turn.stopped': {
    meaning: 'loong was told to stop during the turn',
    remedy: 'nothing: the next start runs it again',
  },

  'config.changed_meanwhile': {
    meaning: 'the config file was changed while a new one was made of it, so nothing was written',
    remedy: 'run the command again',
  },
  'config.invalid': {
    meaning: 'the config has problems, each of which is listed',
    remedy: 'correct them; `loong config check` tells them all',
  },
  'config.missing': {
    meaning: 'there is no config file',
    remedy: 'write it with `loong init`, or name another file with --config',
  },
  'config.unreadable': { meaning: 'the config file cannot be read', remedy: 'give this user the right to read it' },

  'config.unwritable': {
    meaning: 'the config file, or a file of its secrets, cannot be written',
    remedy: 'give this user the right to the folder, or name another file with --config',
  },

  'daemon.lost': {
    meaning: 'the daemon ended before the outcome was known: it may have been done',
    remedy: 'look with `loong queue`, and start the daemon; do not simply repeat it',
  },
  'daemon.not_answering': {
    meaning: 'a daemon is there that does not answer',
    remedy: 'look at its log; one that hangs may be ended with `kill -9`: nothing that was accepted is lost',
  },
  'daemon.not_running': { meaning: 'it needs the daemon, and none runs', remedy: 'start it with `loong gateway run`' },
  'daemon.silent': {
    meaning: 'the daemon did not tell the outcome in time: it may have been done',
    remedy: 'look with `loong queue`; do not simply repeat it',
  },
  'daemon.still_stopping': {
    meaning: 'the daemon was asked to stop and has not yet',
    remedy: 'wait, or look at its log',
  },

  'delivery.active_refused': {
    meaning: 'the peer takes no message before it writes itself; this one waits for that',
    remedy: 'ask the peer to write to the bot, or to allow messages from it in QQ',
  },
  'delivery.altered': {
    meaning: 'it was delivered, but is seen otherwise than it was meant',
    remedy: 'the warning beside it says how; send it in a form that is taken as it is',
  },
  'delivery.cut_short': {
    meaning: 'loong ended while the message was being sent; it may have arrived',
    remedy: 'ask the peer before you send it again',
  },
  'delivery.expired': {
    meaning: 'nobody could be reached before the message grew too old',
    remedy: 'raise `park_ttl`, or send it anew when the peer is there',
  },
  'delivery.parked_full': {
    meaning: 'too many messages wait for this peer already',
    remedy:
      'ask the peer to write to the bot (on OneBot: see that an implementation is connected); `loong queue` shows what waits',
  },
  'delivery.part_failed': {
    meaning: 'an earlier part of the message was not delivered, so this one was not sent',
    remedy: 'mend what kept the earlier part back, then `loong queue retry` sends the rest',
  },
  'delivery.review_rejected': {
    meaning: 'QQ reviewed the message and did not let it through',
    remedy: 'write it in other words',
  },
  'delivery.stopped': {
    meaning: 'loong had to stop before the message was sent',
    remedy: 'start the daemon: it goes on with it',
  },
  'delivery.under_review': {
    meaning: 'QQ took the message and reviews it before anybody sees it',
    remedy: 'wait for the review; do not send it again',
  },

  'explain.not_a_code': { meaning: 'this is no code', remedy: 'write a number, or a code such as onebot.offline' },
  'explain.unknown': { meaning: 'nothing is known of this code', remedy: 'check it for a typo' },
  'idempotency.bad_key': {
    meaning: 'this cannot be an idempotency key',
    remedy: 'write 1 to 128 visible ASCII characters, no blanks',
  },
  'idempotency.conflict': {
    meaning: 'the same idempotency key came with another message before',
    remedy: 'take a key that names this one message',
  },

  'log.unusable': {
    meaning: 'the log file cannot be written',
    remedy: 'name as log.file one that this user may write',
  },
  'import.already_there': {
    meaning: 'the config has a table of the channel that is to be imported',
    remedy: 'name another file with --config, or take that table out',
  },
  'import.nothing': {
    meaning: 'the file has no QQ channel of OpenClaw',
    remedy: 'name the openclaw.json that has channels.napcatqq, channels.qq or channels.qqbot',
  },
  'import.two_bots': {
    meaning: 'the file has two channels of OpenClaw that are one here',
    remedy: 'take one of them out of a copy, import that, and write the other one as [qqbot.accounts.NAME]',
  },
  'import.unreadable': {
    meaning: 'the file that is to be imported cannot be read, or is no JSON5',
    remedy: 'name the openclaw.json of an OpenClaw, mostly ~/.openclaw/openclaw.json',
  },

  'init.no_answer': {
    meaning: 'the backend that was chosen did not answer, so nothing was written',
    remedy: 'try it by hand, then run `loong init` again',
  },
  'init.no_credentials': {
    meaning: '`loong init --yes` found no AppID or no secret',
    remedy: 'write QQ_BOT_APP_ID and QQ_BOT_APP_SECRET into .env.qq, or run it without --yes',
  },
  'init.not_in_place': {
    meaning: 'the config is written in a way that `loong init` cannot change without losing something of it',
    remedy: 'write the keys that it names by hand, or name another file with --config',
  },
  'init.refused': {
    meaning: 'QQ did not take AppID or secret, so nothing was written',
    remedy: 'copy both again from 开发设置 in the console; a new AppSecret ends the old one',
  },
  'init.several_accounts': {
    meaning: 'the config has accounts of its own, and `loong init` does not know which is meant',
    remedy: 'write another account there by hand, or name another file with --config',
  },
  'init.unreached': {
    meaning: 'QQ was not reached, so nothing was written',
    remedy: 'check network and proxy; with --skip-api-probe QQ is not asked',
  },

  'logs.endless': { meaning: '--follow never ends, and --json is one document', remedy: 'leave one of them out' },
  'logs.none_yet': { meaning: 'there is no log yet', remedy: 'start the daemon' },
  'logs.nowhere': {
    meaning: 'the daemon writes its log nowhere where it could be read again',
    remedy: 'set log.file, or run it under systemd',
  },
  'logs.unreadable': { meaning: 'the log cannot be read', remedy: 'use the account that the daemon runs as' },

  'media.address_unsupported': {
    meaning: 'a file is named in a way that nobody could fetch it by',
    remedy: 'give an http(s) address, an absolute path, `file:///…` or `base64://…`',
  },
  'media.base64_invalid': { meaning: 'what stands behind `base64://` is no base64', remedy: 'encode the file again' },
  'media.file_changing': { meaning: 'the file grew while it was read', remedy: 'send it again when it is whole' },
  'media.file_empty': { meaning: 'the file is empty, which QQ does not take', remedy: 'send one that is not' },
  'media.file_too_large': {
    meaning: 'the file is larger than may go along with a message',
    remedy: 'raise `media_max_mb` (35 MiB is the most), or give its http(s) address instead',
  },
  'media.file_unreadable': {
    meaning: 'the daemon cannot read the file',
    remedy: 'check the path, and that the user of the daemon may read it',
  },
  'media.no_file': { meaning: 'the path names no file', remedy: 'name a file, not a folder or device' },
  'media.url_invalid': { meaning: 'the address of the file is no proper one', remedy: 'check the address' },

  'message.bad_address': {
    meaning: 'a file is named by an address of no known kind',
    remedy: 'give a path or http(s)',
  },
  'message.bad_segments': {
    meaning: '--segments is not a list of `{type, data}`',
    remedy: `write it like --segments '[{"type":"text","data":{"text":"hi"}}]'`,
  },
  'message.empty': { meaning: 'the message says nothing', remedy: 'write something' },
  'message.media_unsupported': {
    meaning: 'this version sends no files over the official bot',
    remedy: 'send text or markdown; files go out over onebot',
  },
  'message.native_unsupported': {
    meaning: 'the message holds something that only the other channel knows',
    remedy: 'send it as text',
  },
  'message.no_file': { meaning: 'there is no such file', remedy: 'check the path' },
  'message.not_text': { meaning: 'stdin holds something that is no UTF-8', remedy: 'send it as a file, or convert it' },
  'message.quote_malformed': {
    meaning: 'the quoted message has an id that no message has',
    remedy: 'copy the id from the event of the message',
  },
  'message.quotes': { meaning: 'a message quotes more than one other', remedy: 'quote one' },
  'message.record_too_deep': { meaning: 'a chat record holds too many others within', remedy: 'make it flatter' },
  'message.segment_invalid': { meaning: 'a segment lacks what its type needs', remedy: 'correct its `data`' },
  'message.segment_unsupported': {
    meaning: 'the connected OneBot program would leave this segment out, fake it, or fail at it',
    remedy: 'send it as the message beside the code says, or as text',
  },
  'message.segments_mixed': {
    meaning: 'QQ takes something in the message only as a message of its own',
    remedy: 'send it and the rest as messages of their own',
  },
  'message.segments_unsupported': {
    meaning: 'segments are for targets of onebot',
    remedy: 'send text or markdown',
  },
  'message.too_long': {
    meaning: 'the message is longer than any may be',
    remedy: 'send less, and files by their path or address',
  },
  'message.unknown': {
    meaning: 'there is no such message',
    remedy: 'copy its id from the receipt, or from the message as the backend got it',
  },
  'message.unsupported': { meaning: 'this flag is not for this channel', remedy: 'the same command with --help' },

  'onebot.answer_too_large': {
    meaning: 'the answer of the OneBot program is too large to be read',
    remedy: 'ask for the address of the file instead, e.g. with get_file',
  },
  'onebot.bad_argument': {
    meaning: 'an argument of the action is missing or wrong',
    remedy: 'the same command with --help shows which it takes',
  },
  'onebot.call_failed': {
    meaning: 'the OneBot program said that it failed, without a number',
    remedy: 'its own log says more',
  },
  'onebot.call_stopped': { meaning: 'the call was broken off before its answer came', remedy: LOOK_FIRST },
  'onebot.connection_lost': {
    meaning: 'the connection of the OneBot program ended before its answer came',
    remedy: LOOK_FIRST,
  },
  'onebot.frame_too_large': {
    meaning: 'the message with all its files is larger than one frame may be',
    remedy: 'send fewer or smaller files in one message, or give their addresses',
  },
  'onebot.no_answer': {
    meaning: 'the OneBot program did not answer in time; a message may have arrived',
    remedy: `${LOOK_FIRST}; if it stays so, restart the OneBot program`,
  },
  'onebot.not_a_friend': { meaning: 'this QQ is no friend of the account', remedy: 'check the number' },
  'onebot.not_connected': {
    meaning: 'no OneBot program (NapCat & co.) is connected with the daemon',
    remedy:
      'start it, and give it the address and token of the account: `loong channels status` says where it is waited for, and who was sent away',
  },
  'onebot.offline': {
    meaning: 'the OneBot program is connected, but its QQ is logged out',
    remedy: 'log in to QQ again there: the message goes out then',
  },
  'onebot.peer_slow': {
    meaning: 'the OneBot program does not read what it is sent',
    remedy: 'restart it if it stays so; loong tries again',
  },
  'webhook.port_taken': {
    meaning: 'another program listens where the callbacks of QQ should come in',
    remedy: 'stop that program, or choose another port in `webhook_listen`',
  },
  'webhook.port_unusable': {
    meaning: 'nothing can listen where the callbacks of QQ should come in',
    remedy: 'set `webhook_listen` to an address of this machine, with a port above 1023',
  },
  'onebot.port_taken': {
    meaning: 'another program has the port that OneBot programs are to dial',
    remedy: 'stop that program, or set another `ws_port` here and in the OneBot program',
  },
  'onebot.port_unusable': {
    meaning: 'loong cannot listen where OneBot programs are to dial',
    remedy: 'correct `ws_host` and `ws_port`',
  },
  'onebot.send_through_outbox': {
    meaning: 'this action sends a message past the journal and `allowed_peer_ids`',
    remedy: 'send with `loong channels send onebot`',
  },
  'onebot.too_many_calls': {
    meaning: 'too many calls wait for the OneBot program already',
    remedy: 'ask again when it has answered some',
  },

  'owner.taken': {
    meaning: 'another loong process has the state directory',
    remedy: 'stop that one, or name another directory as gateway.state_dir',
  },
  'owner.taken_by_daemon': {
    meaning: 'a daemon has the state directory and takes no messages, as while it starts or stops',
    remedy: 'try again; if it hangs, end it and start it again',
  },
  'owner.unusable': {
    meaning: 'owner.db in the state directory cannot be used',
    remedy: 'give this user the right to it; a damaged one may be deleted while no loong runs',
  },

  'platform.active': { meaning: 'QQ does not permit unasked messages here', remedy: 'wait until the peer writes' },
  'platform.credentials': { meaning: 'QQ refused the credentials', remedy: 'check AppID and AppSecret' },
  'platform.credentials_refused': { meaning: 'QQ refused AppID or AppSecret', remedy: 'check both in the console' },
  'platform.crowd': { meaning: 'too many messages went to this one target', remedy: NOTHING },
  'platform.duplicate': {
    meaning: 'QQ had a message with the same number before',
    remedy: 'look first whether the message is there',
  },
  'platform.gateway_address': { meaning: 'QQ told no address of its gateway', remedy: NOTHING },
  'platform.links': {
    meaning: 'QQ does not take an address in the text',
    remedy: 'register its domain, or leave it out',
  },
  'platform.markdown': { meaning: 'QQ does not take this markdown', remedy: 'send it as text' },
  'platform.peer_malformed': { meaning: 'the id of the conversation is none', remedy: 'copy it from the log' },
  'platform.rate': { meaning: 'too many messages went out in too short a time', remedy: NOTHING },
  'platform.refused': { meaning: 'QQ will never take this message', remedy: 'the message beside the code says why' },
  'platform.stopped': { meaning: 'the question was broken off before QQ answered', remedy: 'ask again' },
  'platform.token': { meaning: 'QQ did not take the access token', remedy: NOTHING },
  'platform.token_refused': {
    meaning: 'QQ gave no access token',
    remedy: 'check AppID and AppSecret; `loong explain` knows the number beside it',
  },
  'platform.token_unreachable': {
    meaning: 'the server that gives access tokens cannot be reached',
    remedy: 'check network, proxy and `token_url`',
  },
  'platform.transient': { meaning: 'QQ has a fault of its own for now', remedy: NOTHING },
  'platform.unreachable': { meaning: 'QQ cannot be reached', remedy: 'check network, proxy and `api_base_url`' },
  'platform.unreadable': {
    meaning: 'something answered that is not QQ, such as a proxy',
    remedy: 'check `api_base_url`, and what stands in between',
  },
  'platform.whitelist': {
    meaning: 'QQ does not know the address of this machine',
    remedy: 'add it to the IP 白名单 in the console',
  },
  'platform.window': { meaning: 'the right to reply is over or used up', remedy: 'wait until the peer writes again' },

  'queue.dropped': { meaning: 'an operator gave the message up', remedy: 'send it anew if that was not meant' },
  'queue.may_double': {
    meaning: 'the message may have arrived already',
    remedy: 'ask the peer; `loong queue retry --yes` sends it all the same',
  },
  'queue.sending': { meaning: 'the message is being sent just now', remedy: 'wait for its outcome' },
  'queue.settled': { meaning: 'the message is settled already', remedy: '`loong queue show` says how' },
  'queue.unknown': { meaning: 'there is no such row', remedy: '`loong queue` lists them' },

  'request.invalid': { meaning: 'the body of the request has another shape', remedy: 'the answer says which it needs' },
  'request.too_large': { meaning: 'the body of the request is too large', remedy: 'send files by path or address' },
  'request.unknown_path': {
    meaning: 'the control API has no such call',
    remedy: 'docs/control-api.md lists its calls',
  },
  'sandbox.port_taken': { meaning: 'another program has the port', remedy: 'name another one, or 0, with --port' },
  'send.others_wait': {
    meaning: 'earlier messages to this target wait',
    remedy: 'start the daemon, which delivers them in order, or give them up with `loong queue drop`',
  },
  'send.too_late': {
    meaning: '--timeout was over before QQ answered',
    remedy: 'try again with a longer --timeout, or run the daemon, which keeps trying',
  },

  'service.odd_path': {
    meaning: 'a path has a line end or the like in it, and would say something else in a systemd unit',
    remedy: 'rename that folder or file',
  },
  'state_dir.shared': {
    meaning: 'others can enter the state directory',
    remedy: 'name a directory of its own, with mode 0700, as gateway.state_dir',
  },
  'state_dir.unusable': {
    meaning: 'the state directory cannot be used',
    remedy: 'give this user the right to it, or name another one as gateway.state_dir',
  },
  'store.busy': {
    meaning: 'another program holds the database locked',
    remedy: 'end the program that holds loong.db open for writing',
  },
  'store.damaged': {
    meaning: 'the database is damaged',
    remedy: 'stop the daemon, and restore it from a backup or move it away (what was queued in it is lost)',
  },
  'store.failed': { meaning: 'the database could not be written', remedy: 'look for room on the disk, and its rights' },
  'store.newer': { meaning: 'the database was made by a newer loong', remedy: 'use that version' },
  'store.unreadable': { meaning: 'the database cannot be read', remedy: 'look at it with `loong doctor`' },

  'target.account_mismatch': {
    meaning: '--account and the target name different accounts',
    remedy: 'leave one of them out',
  },
  'target.channel_mismatch': {
    meaning: 'the target is of another channel',
    remedy: 'name that channel as the command’s',
  },
  'target.channel_unknown': {
    meaning: 'the target begins with no known channel',
    remedy: 'begin with qqbot or onebot',
  },
  'target.kind_unsupported': { meaning: 'the channel has no such kind of target', remedy: 'use one that is listed' },
  'target.malformed': {
    meaning: 'the target is not written as one',
    remedy: 'write `<channel>:<account>:<kind>:<id>`, or a shorter form',
  },
  'target.peer_empty': { meaning: 'the target has no id', remedy: 'write it behind the last colon' },
  'target.peer_malformed': {
    meaning: 'the id of the target has characters that no id has',
    remedy: 'copy it from the log; over OneBot it is a number',
  },

  from_bot: { meaning: 'the message was not answered, for a bot wrote it', remedy: 'nothing: bots are never answered' },
  sender_not_allowed: {
    meaning: 'the message was not answered, for its sender is not on the list',
    remedy: 'add the sender to allowed_peer_ids, or set dm_policy = "pairing"',
  },
  dm_disabled: {
    meaning: 'the message was not answered, for private chats are switched off',
    remedy: 'set dm_policy of the account to "pairing" or "allowlist"',
  },
  pairing_offered: {
    meaning: 'the message is not answered yet, for its sender is unknown and was told a code',
    remedy: '`loong pairing list`, then `loong pairing approve`: it is answered then',
  },
  pairing_pending: {
    meaning: 'the message was not answered, for its sender waits to be approved',
    remedy: '`loong pairing list`, then approve or deny',
  },
  pairing_full: {
    meaning: 'the message was not answered, for its sender is unknown and too many others wait to be approved',
    remedy: 'approve or deny those who wait, or raise max_pending of [pairing]',
  },
  group_not_allowed: {
    meaning: 'the message was not answered, for its group is not on the list',
    remedy: 'add the group to allowed_peer_ids, or give it a table under groups',
  },
  group_disabled: {
    meaning: 'the message was not answered, for its group, or every group, is switched off',
    remedy: 'look at enabled of the group, and at group_policy',
  },
  group_sender_not_allowed: {
    meaning: 'the message was not answered, for its sender may not use the bot in this group',
    remedy: 'add the sender to group_allow_from, or to allow_from of the group',
  },
  not_mentioned: {
    meaning: 'the message was not answered, for it does not mention the bot',
    remedy: 'mention it, or set require_mention = false for the group',
  },
  'why.outgoing': {
    meaning: '`loong why` was asked about a message that went out',
    remedy: 'ask `loong queue show` about the message, or `loong why` about its target',
  },
  'why.unknown': {
    meaning: 'no message with this id came in, or it was forgotten since',
    remedy: 'give a number of `loong queue list`, the platform’s id of a message, or a target',
  },
  too_many_turns: {
    meaning:
      'the message was not answered, for its sender answers every answer faster than a person does: it seems to be a bot, too',
    remedy:
      'nothing: after a minute it is answered again; take a bot off allowed_peer_ids, or out of allow_from of the group',
  },
};
