# syntax=docker/dockerfile:1

FROM python:3.11-slim-trixie AS builder
WORKDIR /build
COPY .requirements.lock .requirements.lock
# Wheels only: nothing that is downloaded gets to run here, and each file is the one that the lock names.
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --only-binary :all: --require-hashes -r .requirements.lock

FROM python:3.11-slim-trixie
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin scheduler
WORKDIR /app
COPY --from=builder /venv /venv
COPY sql sql
COPY service service
# METRICS_PORT counts for role engine only, which has no other port that its health could be asked on.
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 METRICS_PORT=5004
# The user cannot write what Python compiles, and would have each process of an instance compile it anew.
RUN python -m compileall -q service
USER 10001
EXPOSE 5003 5004
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 CMD ["python", "-m", "service", "live"]
ENTRYPOINT ["python", "-m", "service"]
CMD ["all"]
