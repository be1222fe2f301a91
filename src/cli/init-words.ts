/** What `loong init` says to people, Chinese first. */

export const WELCOME = `loong init: 连接 QQ 官方机器人 / connect the official QQ bot. Ctrl-C 随时退出，不会写入任何内容 / ends it, and nothing is written.

在 https://q.qq.com（QQ 开放平台）登录，点开你的机器人：
  AppID、AppSecret    “开发” → “开发设置”。AppSecret 只显示一次，重新生成后旧的失效
  IP 白名单           “开发设置” → “IP 白名单”：填本机的出口 IP（curl ifconfig.me 可查），否则报 11298
  沙箱成员            “沙箱配置” → “添加成员”：未发布的机器人只回答这里的人和群
Sign in at https://q.qq.com (QQ Open Platform) and open your bot:
  AppID, AppSecret    开发 → 开发设置. The AppSecret is shown once; a new one ends the old one
  IP whitelist        开发设置 → IP 白名单: the address that this machine has outside (curl ifconfig.me), else 11298
  sandbox members     沙箱配置 → 添加成员: a bot that is not published answers only these people and groups
`;

export const QUESTIONS = {
  appId: 'AppID（机器人 ID）',
  clientSecret: 'AppSecret（密钥，输入时不显示 / not shown while you type）',
  keepSecret: 'AppSecret（回车沿用已有的 / Enter keeps the known one）',
  backend: '谁来回答？ / Who answers?',
  refused: 'QQ 不接受：多半是 AppID 与 AppSecret 不配对，或 AppSecret 已重新生成。怎么办？ / QQ refused. What now?',
  unreached: '连不上 QQ：请检查网络、DNS 和代理。怎么办？ / QQ was not reached. What now?',
  broken: '没有得到回答。怎么办？ / No answer came. What now?',
  baseUrl: 'API 地址 / base URL（OpenAI 兼容 / compatible）',
  model: '模型 / model',
  apiKey: 'API key（没有就回车 / Enter for none；不显示 / not shown）',
  command: '命令 / command（消息从 stdin 进，stdout 是回答 / message on stdin, answer on stdout）',
  url: 'URL（每条消息 POST 到这里 / each message is POSTed there）',
  exposed: '明文 http 到另一台机器，途中可被读改 / plain http to another machine can be read and changed on its way',
  secret: '签名密钥（没有就回车）/ key of the signatures (Enter for none；not shown)',
} as const;

export const BACKENDS = [
  ['echo', '原样回复，先试通 / echo: says everything back, to begin with'],
  ['openai', '大模型：OpenAI 兼容接口，如 Ollama、DeepSeek / a language model behind an OpenAI-compatible URL'],
  ['exec', '一个命令，如 claude -p / a command, such as claude -p'],
  ['http', '一个 HTTP 服务 / an HTTP server'],
] as const;

export const KEEP = '不变 / as it is';

export const AFTER_FAILURE = [
  ['again', '重新填写 / type it again'],
  ['keep', '仍然写入 / write it all the same'],
  ['stop', '退出，不写入 / stop, write nothing'],
] as const;

export const EXPOSED = [
  ['again', '换一个地址 / another address'],
  ['mine', '这是我自己的网络，写入 allow_http = true / that network is mine, write allow_http = true'],
] as const;

export const FAULTS = {
  appId: '请填 AppID，其中没有空格 / give the AppID, which has no blanks',
  secret: '请填密钥，其中没有空格 / give the secret, which has no blanks',
  url: '请写完整地址，如 http://127.0.0.1:11434/v1 / write it in full, like http://127.0.0.1:11434/v1',
  word: '请填写 / fill it in',
  command: '引号没有成对，或者是空的 / quotes do not match, or nothing is there',
} as const;

/** What a backend is asked once, to see whether it answers. */
export const TRIAL = '你好！/ Hello!';
