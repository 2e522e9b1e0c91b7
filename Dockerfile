# Two images.
#
# pipeline: the environment of requirements.lock. The code comes from the checkout, which is mounted at /project:
#   docker build --target pipeline --tag seq2seq-pipeline \
#       --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cpu .
#   docker run --rm --user "$(id -u):$(id -g)" --volume "$PWD:/project" seq2seq-pipeline \
#       python -m flows.pipeline
#
# service: what answers over HTTP and nothing else, without PyTorch:
#   docker build --target service --tag seq2seq-service .
#   docker run --rm --read-only --tmpfs /tmp --publish 127.0.0.1:8080:8080 --volume "$PWD/models/int8:/bundle:ro" \
#       seq2seq-service --bundle /bundle --open

FROM python:3.11-slim-bookworm AS service-packages
WORKDIR /opt/seq2seq-pipeline
COPY requirements.lock pyproject.toml ./
# The base image's pip knows no dependency groups. A constraint may not name extras.
RUN python -m venv /opt/venv \
    && sed 's/\[.*\]//' requirements.lock > constraints.txt \
    && /opt/venv/bin/pip install --no-cache-dir --constraint constraints.txt pip \
    && /opt/venv/bin/pip install --no-cache-dir --constraint constraints.txt --group serving \
    && /opt/venv/bin/pip uninstall --yes pip

FROM python:3.11-slim-bookworm AS service
COPY --from=service-packages /opt/venv /opt/venv
WORKDIR /app
COPY params.yaml ./
COPY seq2seq seq2seq
COPY registry registry
COPY serving serving
# .serving keeps copies of the registry's bundles, and the keys: with a volume there, a restart needs no registry.
# Nothing else is written to, but /tmp.
RUN useradd --uid 1000 --no-create-home seq2seq && install --directory --owner=1000 --group=1000 .serving
ENV PATH=/opt/venv/bin:$PATH \
    HOME=/tmp \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    SEQ2SEQ_HOST=0.0.0.0
USER 1000
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=15s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/live', timeout=12)"]
ENTRYPOINT ["python", "-m", "serving"]

FROM python:3.11-slim-bookworm AS pipeline

# git: DVC and preset runs read the checkout's tracked files with it.
RUN apt-get update \
    && apt-get install --no-install-recommends --yes git=1:2.39.* make=4.3-* \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/seq2seq-pipeline
COPY requirements.lock ./
ARG TORCH_INDEX=""
RUN pip install --no-cache-dir ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} -r requirements.lock \
    && git config --system --add safe.directory /project

# Any user id may run it: the home is a folder that all may write to, and a user id without an entry in passwd has
# a name, which DVC needs. /artifacts is where MLflow's server keeps its files, in a volume.
ENV HOME=/tmp/home \
    USER=seq2seq \
    PYTHONUNBUFFERED=1
RUN mkdir --mode=1777 /tmp/home /artifacts && useradd --uid 1000 --no-create-home seq2seq
USER 1000
WORKDIR /project
CMD ["python", "-m", "flows.pipeline"]
