# The environment of requirements.lock. The code comes from the checkout, which is mounted at /project:
#   docker build --tag seq2seq-pipeline --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cpu .
#   docker run --rm --user "$(id -u):$(id -g)" --volume "$PWD:/project" seq2seq-pipeline \
#       python -m flows.pipeline
FROM python:3.11-slim-bookworm

# git: DVC and preset runs read the checkout's tracked files with it
RUN apt-get update \
    && apt-get install --no-install-recommends --yes git=1:2.39.* make=4.3-* \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/seq2seq-pipeline
COPY requirements.lock .
ARG TORCH_INDEX=""
RUN pip install --no-cache-dir ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} -r requirements.lock \
    && git config --system --add safe.directory /project

# Any user id may run it: the home is a folder that all may write to, and a user id without an entry in passwd has
# a name, which DVC needs.
ENV HOME=/tmp/home \
    USER=seq2seq \
    PYTHONUNBUFFERED=1
RUN mkdir --mode=1777 /tmp/home && useradd --uid 1000 --no-create-home seq2seq
USER 1000
WORKDIR /project
CMD ["python", "-m", "flows.pipeline"]
