# Build: compiles the native module and the TypeScript, then drops what only building needs.
FROM node:24-bookworm AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY tsconfig.json ./
COPY bin bin
COPY src src
RUN npm run build && npm prune --omit=dev

# Run: no compiler, no root. Config and state come in from outside.
FROM node:24-bookworm-slim
ENV NODE_ENV=production LOONG_HOME=/var/lib/loong
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/bin bin
COPY --from=build /app/dist dist
RUN install -d -o node -g node -m 0700 /var/lib/loong && ln -s /app/bin/loong.js /usr/local/bin/loong
USER node
VOLUME /var/lib/loong
# Says whether the daemon answers on its control socket; which account is connected stands in `loong gateway status`.
HEALTHCHECK --interval=30s --timeout=10s --start-period=20s CMD ["loong", "gateway", "status"]
ENTRYPOINT ["loong"]
CMD ["gateway", "run"]
