# Trunkbridge as a container. Built with:  docker build -t trunkbridge .
# Run with host networking, see examples/docker/compose.yaml and docs/deployment.md.

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/build.mjs scripts/
COPY codecs codecs
COPY src src
RUN npm run build && npm prune --omit=dev --no-audit --no-fund

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json LICENSE ./

# DATA_DIR: records, the data key and recordings. Mount a volume here, and back it up. Whoever the container runs as may
# write here; what the daemon writes is its own alone.
RUN mkdir -m 1777 data
VOLUME /app/data

# The files belong to root: the daemon cannot change itself.
USER node

# SIP over TCP and TLS, HTTP, and the sound (RTP_PORTS).
EXPOSE 5060/tcp 5061/tcp 8080/tcp 10000-20000/udp

# /healthz needs no key. Set HTTP_LISTEN as a variable, not in the file, so that this finds it.
HEALTHCHECK --interval=15s --timeout=5s --start-period=10s --retries=3 \
  CMD ["node", "-e", "const at = (process.env.HTTP_LISTEN || '127.0.0.1:8080').replace('0.0.0.0', '127.0.0.1').replace('[::]', '[::1]'); fetch(`http://${at}/healthz`, { signal: AbortSignal.timeout(4000) }).then(answer => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]

# SIGTERM begins a drain that lasts up to drain.deadline_seconds (300): stop with `docker stop -t 330`.
STOPSIGNAL SIGTERM

# Exec form: node is PID 1 and gets the signals itself.
ENTRYPOINT ["node", "--enable-source-maps", "--max-semi-space-size=8", "dist/src/main.js"]
CMD ["serve"]
