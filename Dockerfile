# The gateway, for docker-compose.yml and anything like it. No package index is asked for anything without a hash.

FROM python:3.11-slim AS build
WORKDIR /corridor
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv /corridor/.venv
COPY requirements/build.txt requirements/runtime.txt requirements/
RUN pip install --no-deps --require-hashes --target /tools -r requirements/build.txt \
    && .venv/bin/pip install --require-hashes -r requirements/runtime.txt
COPY pyproject.toml README.md LICENSE ./
COPY connectors connectors
COPY policies policies
COPY gateway gateway
# A link to /corridor, so that the image runs the same layout as a checkout.
RUN PYTHONPATH=/tools .venv/bin/pip install --no-deps --no-build-isolation --editable . \
    && .venv/bin/python -m compileall -q gateway connectors \
    && .venv/bin/pip uninstall --quiet --yes pip

FROM python:3.11-slim
RUN useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin corridor \
    && install -d -o corridor -g corridor -m 0700 /var/lib/corridor \
    && install -d -o corridor -g corridor -m 0755 /bundle
COPY --from=build /corridor /corridor
ENV PATH=/corridor/.venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    CORRIDOR_HOME=/var/lib/corridor \
    CORRIDOR_HOST=0.0.0.0 \
    CORRIDOR_PORT=8080
USER corridor
WORKDIR /var/lib/corridor
VOLUME /var/lib/corridor
EXPOSE 8080
# Alive, whatever else is away: readiness is /readyz, for whoever balances the load.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/healthz', timeout=2)"]
ENTRYPOINT ["corridor"]
CMD ["serve"]
