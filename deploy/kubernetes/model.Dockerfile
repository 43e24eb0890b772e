# What a pod builds from: the builder's image (docker/Dockerfile) with a checkpoint in it. The
# context is a folder with the two files, and with the one that config.yaml names as its _BASE_.
ARG BUILDER=mask-rcnn-builder
# hadolint ignore=DL3006
FROM ${BUILDER}
COPY . /checkpoint/
