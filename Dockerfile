# syntax=docker/dockerfile:1
# Debian, not Alpine: implicit's wheels need glibc and the system's OpenMP (libgomp1).
FROM python:3.11.14-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY requirements.lock requirements-image.lock requirements-index.lock /tmp/
# INDEX=yes: for more than 200,000 songs (docs/operations.md).
ARG INDEX=
RUN /opt/venv/bin/pip install --require-hashes --only-binary=:all: -r /tmp/requirements.lock -r /tmp/requirements-image.lock \
    ${INDEX:+-r /tmp/requirements-index.lock}

FROM python:3.11.14-slim-bookworm
# postgresql-client: `manage.py backup` calls its pg_dump, which must not be older than the server (compose.yaml: 15).
RUN apt-get update \
    && apt-get install --no-install-recommends --yes fonts-dejavu-core libgomp1 postgresql-client \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 10001 musicrec \
    && useradd --system --uid 10001 --gid musicrec --home-dir /data --no-create-home musicrec \
    && install --directory --owner=musicrec --group=musicrec --mode=700 /data
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY manage.py LICENSE ./
COPY musicrec_site musicrec_site
COPY accounts accounts
COPY catalog catalog
COPY common common
COPY recommendations recommendations
COPY locale locale
COPY static static
COPY templates templates
# Once, for all processes: at run time nothing can be written here.
RUN python -m compileall -q .
# The code belongs to root: what runs in the container can't change it.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    OPENBLAS_NUM_THREADS=1 \
    DATA_DIR=/data \
    LOG_FORMAT=json
USER 10001:10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8000 && printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' >&3 && timeout 4 grep -q '200 OK' <&3"]
CMD ["python", "manage.py", "run_site", "--host", "0.0.0.0", "--no-demo"]
