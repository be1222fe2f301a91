// Answers one turn of loong: reads it from stdin, prints the messages of the answer.
import { readFileSync } from 'node:fs';

const turn = JSON.parse(readFileSync(0, 'utf8'));
const messages = [{ text: `${turn.sender.name ?? turn.sender.id}, you said: ${turn.text}` }];
for (const { kind, url } of turn.attachments) messages.push({ [kind]: url });
console.log(JSON.stringify({ messages }));
