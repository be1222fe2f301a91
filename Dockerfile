# docker build -t loong . && docker run -d --name loong -v /srv/loong:/var/lib/loong loong
# /srv/loong (owned by uid 1000) holds config.toml; the state goes into it, too. Secrets: `-e QQBOT_CLIENT_SECRET`, or files.
#
# Build: compiles the native module and the TypeScript, then drops what only building needs.
FROM node:24-bookworm AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY tsconfig.json ./
COPY bin bin
COPY schema schema
COPY docs docs
COPY examples examples
COPY src src
RUN npm run build && npm prune --omit=dev

# Run: no compiler, no root. Config and state come in from outside. The same Debian as above: the native module was built there.
FROM node:24-bookworm-slim
# tini is process 1: it collects what the commands of backends leave behind, and hands signals on.
RUN apt-get update && apt-get install -y --no-install-recommends tini && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production LOONG_HOME=/var/lib/loong
WORKDIR /app
COPY LICENSE ./
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/bin bin
COPY --from=build /app/dist dist
COPY --from=build /app/schema schema
COPY --from=build /app/docs docs
COPY --from=build /app/examples examples
RUN install -d -o node -g node -m 0700 /var/lib/loong && ln -s /app/bin/loong.js /usr/local/bin/loong
USER node
VOLUME /var/lib/loong
# Says whether the daemon answers on its control socket; which account is connected stands in `loong gateway status`.
HEALTHCHECK --interval=30s --timeout=10s --start-period=20s CMD ["loong", "gateway", "status"]
ENTRYPOINT ["tini", "--", "loong"]
CMD ["gateway", "run"]
